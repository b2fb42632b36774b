"""The file of static tokens."""

from __future__ import annotations

import json
import secrets
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st
from issuing import NOW, SECOND

from rta.auth.static_tokens import StaticToken, change_tokens, new_token_text, read_tokens, token_digest
from rta.errors import DamagedFileError
from rta.ports.access import Role, Subject
from rta.state_file import write_document

HASH = "0a" * 32


def static(name="ops", role=Role.OPERATE, text="rta_text", until=None):
    return StaticToken(name, role, token_digest(text).hex(), NOW, until)


def test_tokens_are_kept_by_their_hashes_and_found_by_them(tmp_path):
    text = new_token_text(secrets.token_bytes)
    with change_tokens(tmp_path / "state" / "tokens.json") as tokens:
        tokens.append(static(text=text, until=NOW + SECOND))
    path = tmp_path / "state" / "tokens.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert text not in path.read_text()
    found = read_tokens(path)
    assert found.by_hash == {
        token_digest(text).hex(): Subject("token ops", Role.OPERATE, NOW + SECOND, token_digest(text).hex())
    }


def test_a_token_has_256_random_bits():
    texts = {new_token_text(secrets.token_bytes) for _ in range(100)}
    assert len(texts) == 100
    assert {len(text) for text in texts} == {47}
    assert new_token_text(lambda count: b"\xff" * count) == "rta_" + "_" * 42 + "8"


def test_without_a_file_there_are_none(tmp_path):
    assert read_tokens(tmp_path / "tokens.json").tokens == ()


def test_a_link_is_followed_and_stays_one(tmp_path):
    real, link = tmp_path / "real.json", tmp_path / "tokens.json"
    link.symlink_to("real.json")
    with change_tokens(link) as tokens:
        tokens.append(static())
    assert link.is_symlink()
    assert read_tokens(link) == read_tokens(real)
    assert len(read_tokens(link).tokens) == 1


def test_changes_at_once_lose_nothing(tmp_path):
    path = tmp_path / "tokens.json"

    def add(number):
        with change_tokens(path) as tokens:
            tokens.append(static(f"t{number}", text=f"rta_{number}"))

    threads = [Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {token.name for token in read_tokens(path).tokens} == {f"t{number}" for number in range(8)}


def test_a_change_that_fails_changes_nothing(tmp_path):
    path = tmp_path / "tokens.json"
    with change_tokens(path) as tokens:
        tokens.append(static())
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), change_tokens(path) as tokens:
        tokens[0] = tokens[1 // 0]
    assert path.read_bytes() == before


GOOD = {"name": "ops", "role": "read", "hash": HASH, "made": NOW, "until": None}


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"version": 2, "tokens": []},
        {"version": "1", "tokens": []},
        {"version": 1},
        {"version": 1, "tokens": {}},
        {"version": 1, "tokens": [GOOD] * 10_001},
        {"version": 1, "tokens": [GOOD, GOOD]},
        {"version": 1, "tokens": [GOOD, {**GOOD, "name": "other"}]},
        {"version": 1, "tokens": ["ops"]},
        *({"version": 1, "tokens": [{**GOOD, name: value}]} for name, value in (
            ("name", ""), ("name", "a b"), ("name", 7), ("role", "root"), ("role", ["read"]), ("role", None),
            ("hash", "0A" * 32), ("hash", "0a"), ("made", None), ("made", 1.5), ("until", "soon"), ("until", True),
            ("until", 1 << 63), ("until", -1),
        )),
    ],
)  # fmt: skip
def test_a_file_that_is_not_as_we_write_it_is_damaged(tmp_path, document):
    write_document(tmp_path / "tokens.json", document)
    with pytest.raises(DamagedFileError):
        read_tokens(tmp_path / "tokens.json")


def test_a_damaged_file_is_not_written_over(tmp_path):
    path = tmp_path / "tokens.json"
    path.write_text('{"version": 1, "tokens": [')
    with pytest.raises(DamagedFileError), change_tokens(path):
        pytest.fail("it was opened")
    assert path.read_text() == '{"version": 1, "tokens": ['


def test_a_person_may_edit_it_who_takes_the_check_sum_out(tmp_path):
    path = tmp_path / "tokens.json"
    with change_tokens(path) as tokens:
        tokens.append(static(role=Role.READ))
    document = json.loads(path.read_text())
    document["tokens"][0]["role"] = "administer"
    path.write_text(json.dumps(document))
    with pytest.raises(DamagedFileError, match="check sum"):
        read_tokens(path)
    del document["sum"]
    path.write_text(json.dumps(document))
    assert read_tokens(path).tokens[0].role is Role.ADMINISTER


@given(st.text())
def test_every_text_has_a_digest(text):
    assert len(token_digest(text)) == 32


def test_hashes_are_not_shown():
    assert HASH not in repr(StaticToken("ops", Role.READ, HASH, NOW))
