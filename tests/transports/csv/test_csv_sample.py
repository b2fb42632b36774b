"""A bounded part of a file is read, and what is no text is refused by its name."""

from __future__ import annotations

import os

import pytest
from rta_transports.csv.layout.encoding import decode_errors, decode_lines, detect_encoding
from rta_transports.csv.layout.sample import FileSample, read_sample

from rta.ports import RtaError

K = 1024


def of(head: bytes, tail: bytes = b"") -> FileSample:
    return FileSample(head, b"", tail, len(head) + len(tail))


def written(folder, data):
    path = folder / "drive.csv"
    path.write_bytes(data)
    return read_sample(path)


def test_a_short_file_is_all_head(tmp_path):
    sample = written(tmp_path, b"t,a\n0,1\n")
    assert (sample.head, sample.middle, sample.tail, sample.is_whole) == (b"t,a\n0,1\n", b"", b"", True)


def test_a_long_file_has_a_middle_and_a_tail(tmp_path):
    lines = [b"%08d\n" % i for i in range(500_000)]
    sample = written(tmp_path, b"".join(lines))
    assert (len(sample.head), len(sample.middle), len(sample.tail)) == (256 * K, 64 * K, 64 * K)
    assert sample.middle.split(b"\n")[5] in {line[:-1] for line in lines[200_000:300_000]}
    assert sample.tail.endswith(lines[-1])
    assert sample.size == 4_500_000
    assert not sample.is_whole


@pytest.mark.parametrize("more", range(0, 300 * K, 37 * K))
def test_no_byte_is_in_two_parts(tmp_path, more):
    data = b"".join(b"%08d\n" % i for i in range((256 * K + more) // 9))
    sample = written(tmp_path, data)
    found = [line for part in (sample.head, sample.middle, sample.tail) for line in part.split(b"\n") if len(line) == 8]
    assert len(found) == len(set(found))


def test_the_head_has_the_header_and_a_row_of_the_longest_lines(tmp_path):
    line = b"1," * 400_000 + b"1\n"
    sample = written(tmp_path, b"short\n" * 100 + line * 6)
    assert sample.head.count(b"\n") >= 102
    assert len(sample.head) < 6 * len(line)


@pytest.mark.parametrize(
    ("begin", "words"),
    [
        (b"PK\x03\x04", "Excel workbook"),
        (b"\x1f\x8b\x08", "gzip"),
        (b"SQLite format 3\0", "SQLite"),
        (b"PAR1", "Parquet"),
        (b"MDF     4.10", "MDF"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"<!doctype html>", "HTML"),
        (b"\x01\x02\x03\0\0\0\x07" * 30, "no text"),
        (b"", "is empty"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, begin, words):
    with pytest.raises(RtaError, match=words):
        written(tmp_path, begin)


def test_a_file_must_be_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name, words in (
        ("pipe", "is not a file"),
        ("", "is not a file"),
        ("none", "No such file"),
        ("\0", "not a path"),
    ):
        with pytest.raises(RtaError, match=words):
            read_sample(tmp_path / name)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_encodings_are_told_apart(encoding):
    text = "Zeit;Öltemp (°C)\r\n0;1\r\n"
    found, why = detect_encoding(of(text.encode(encoding)))
    assert found == encoding
    assert why.startswith(f"encoding {encoding}")
    assert decode_lines(of(text.encode(encoding)), found) == (["Zeit;Öltemp (°C)", "0;1"], [])


def test_utf_16_of_the_other_order_has_a_mark_too():
    data = b"\xfe\xff" + "t,a\n".encode("utf-16-be")
    assert detect_encoding(of(data))[0] == "utf-16"
    assert decode_lines(FileSample(data, b"", "x\n0,1\n".encode("utf-16-be"), 99), "utf-16")[1] == ["0,1"]


def test_bytes_that_windows_does_not_know_are_latin_1():
    assert detect_encoding(of(b"t,\xb0\x81\n"))[0] == "latin-1"


@pytest.mark.parametrize("tail", [b"x\n3,\xff\n", b"\xa4\n4,5\n"])
def test_a_bad_byte_behind_does_not_change_utf_8(tail):
    sample = of("t,Öl\n0,1\n".encode(), tail)
    encoding, _ = detect_encoding(sample)
    assert encoding == "utf-8"
    assert len(decode_lines(sample, encoding)[1]) == 1


def test_one_bad_byte_among_good_ones_does_not_either():
    assert detect_encoding(of("Öl,Wärme,°C\n".encode() + b"\xff\n"))[0] == "utf-8"


def test_a_character_cut_in_two_does_not_either():
    assert detect_encoding(FileSample(b"t,a\n", b"", "€".encode()[1:] + "\n0,Öl\n".encode(), 99))[0] == "utf-8"
    assert detect_encoding(FileSample("t,€".encode()[:-1], b"", b"", 99))[0] == "utf-8"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_no_byte_stops_the_reading(encoding):
    bytes(range(256)).decode(encoding, decode_errors(encoding))


def test_the_mark_is_left_out_where_utf_8_is_set():
    assert detect_encoding(of(b"\xef\xbb\xbft,a\n"), "utf8")[0] == "utf-8-sig"
