"""What `rta publish`, `rta inspect` and `rta check` say of files that are not as they should be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from real_servers import held_port
from redis import Redis

HEX = "t,word,rpm\n" + "".join(f"{i},0x{i:02X},{1000 + i}\n" for i in range(20))
"""Half of the cells are hexadecimal."""


@pytest.fixture
def file(tmp_path: Path):
    def write(text: str, name: str = "run.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def sessions(server) -> list[dict[str, object]]:
    with Redis.from_url(server.url, decode_responses=True) as client:
        return [json.loads(client.hgetall(key)["json"]) for key in client.scan_iter("sessions:*")]


class TestPublish:
    def publish(self, command, redis_server, path, *more):
        return command("publish", path, "--redis", redis_server.url, "--speed", "0", *more)

    @pytest.mark.processes
    def test_what_is_left_out_is_summed_up_by_column_and_kind(self, command, redis_server, file):
        done = self.publish(command, redis_server, file(HEX))
        assert done.status == 1
        told = done.err.splitlines()
        assert told[-2] == "left out: 20 of 40 cells (50.00%)"
        assert told[-1].startswith("  column word: 20 cells not a number, the first: line 2: column 'word': '0x00'")
        assert sessions(redis_server)[0]["state"] == "closed"

    @pytest.mark.processes
    @pytest.mark.parametrize(("share", "status"), [("50%", 0), ("0.4", 1), ("1", 0)])
    def test_how_much_may_be_left_out_can_be_set(self, command, redis_server, file, share, status):
        assert self.publish(command, redis_server, file(HEX), "--max-faults", share).status == status

    def test_what_is_no_share_is_refused(self, command, redis_server, file):
        done = self.publish(command, redis_server, file(HEX), "--max-faults", "many")
        assert done.status == 2
        assert "expected a share such as 1% or 0.01, got 'many'" in done.err

    @pytest.mark.processes
    def test_a_file_of_which_no_row_can_be_used_is_an_error_with_the_reasons(self, command, redis_server, file):
        text = "t,a\n" + "".join(f"x{i},{i}\n" for i in range(5))
        done = self.publish(command, redis_server, file(text), "--time-column", "t", "--time-unit", "s")
        assert done.status == 1
        assert "run.csv can be used: 5 rows without a time that can be read, the first: line 2" in done.err
        assert "--time-column says where the times are" in done.err
        assert sessions(redis_server) == []

    def test_dates_that_may_be_read_in_two_ways_are_asked_for(self, command, file):
        path = file("day;a\n01/02/2026;1\n02/02/2026;2\n")
        with held_port() as port:  # nothing is asked of Redis
            done = command("publish", path, "--redis", f"redis://127.0.0.1:{port}")
        assert done.status == 2
        assert 'say time_format = "%d/%m/%Y" or "%m/%d/%Y"' in done.err

    @pytest.mark.processes
    def test_a_second_run_in_the_file_is_a_second_session(self, command, redis_server, file):
        text = "Time (s),RPM\n0.0,1000\n0.1,1010\n0.2,1020\nTime (s),RPM\n0.0,2000\n0.1,2010\n"
        done = self.publish(command, redis_server, file(text), "--identity", "run")
        assert done.status == 0
        assert "line 6: the time is 0.2 s away from the latest one; a new session begins" in done.err
        assert {str(s["identity"]) for s in sessions(redis_server)} == {"run", "run 2"}


class TestInspect:
    def test_it_says_how_the_file_is_read_and_what_it_holds(self, command, file):
        text = 'Car;"GT3"\n\nZeit;Drehzahl (1/min);Bemerkung\n10:00:00,0;1.200,5;\n10:00:00,5;1.300,0;Box\n'
        done = command("inspect", file(text, "fahrt 1.csv"))
        assert done.status == 0
        lines = done.out.splitlines()
        assert lines[0].endswith(
            "utf-8, semicolons between cells, decimal commas, header in line 3, time 'Zeit' (h:mm:ss); "
            "2 columns: Drehzahl, Bemerkung"
        )
        assert "Car            GT3" in lines
        assert "2 rows, from 10:00:00.000 to 10:00:00.500 (0:00:00.500)" in lines
        assert [line.split() for line in lines if line.startswith("Drehzahl")] == [
            ["Drehzahl", "1/min", "numbers", "2", "0", "1200.5", "1300", "10:00:00.000", "10:00:00.500"]
        ]

    def test_the_table_that_it_prints_reads_the_file_in_the_same_way(self, command, file):
        path = file("t;q[0];Note\n0;1,5;\n1;1,75;Stau\n")
        printed = command("inspect", path).out
        (path.parent / "site.toml").write_text(printed[printed.index("[[source]]") :])
        assert command("check", "--config", path.parent / "site.toml").status == 0

    def test_json_has_all_of_it(self, command, file):
        found = json.loads(command("inspect", file(HEX), "--json").out)
        assert (found["rows"], found["cells"], found["lost"]) == (20, 40, 20)
        assert [(c["name"], c["samples"], c["minimum"], c["maximum"]) for c in found["columns"]] == [
            ("word", 0, None, None),
            ("rpm", 20, 1000, 1019),
        ]
        assert [(f["kind"], f["column"], f["count"]) for f in found["faults"]] == [("cell", "word", 20)]
        assert found["settings"]["time_column"] == "t"

    def test_options_win(self, command, file):
        done = command("inspect", file(HEX), "-o", 'events=["word"]', "--json")
        assert [c["events"] for c in json.loads(done.out)["columns"]] == [20, 0]

    def test_a_part_of_the_file_is_enough_where_that_is_asked(self, command, file):
        text = "t,a\n" + "".join(f"{i},{i}\n" for i in range(50_000))
        done = command("inspect", file(text), "--rows", "2000")
        assert "rows were read, there are more" in done.out

    def test_a_file_that_cannot_be_read_is_an_error(self, command, file):
        done = command("inspect", file("PK\3\4" + "x" * 100))
        assert (done.status, done.out) == (1, "")
        assert "is a ZIP archive or an Excel workbook" in done.err


class TestCheck:
    def site(self, path: Path, *options: str) -> Path:
        site = path.parent / "site.toml"
        table = ["[[source]]", 'name = "run"', 'transport = "csv"', f'path = "{path.name}"', *options]
        site.write_text("\n".join(table))
        return site

    def test_it_complains_of_what_would_be_left_out(self, command, file):
        done = command("check", "--config", self.site(file(HEX)))
        assert done.status == 0
        assert "warning: source run: 20 of 40 cells would be left out" in done.err
        assert "column word: 20 x cell, the first: line 2" in done.err

    def test_a_file_without_a_usable_row_is_a_problem(self, command, file):
        path = file("t,a\nx,1\ny,2\n")
        done = command("check", "--config", self.site(path, 'time_column = "t"', 'time_unit = "s"'))
        assert done.status == 2
        assert "no row can be used: 2 x time, the first: line 2: the time 'x' is not a number of s" in done.err
