"""Where an archive is to lie is refused if it cannot be a folder."""

from __future__ import annotations

import pytest
from rta_transports.sqlite.options import SqliteArchiveOptions


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "expected a folder, as /var/lib/rta/archive; got ''"),
        ("a\0b", r"expected a folder, as /var/lib/rta/archive; got 'a\\x00b'"),
        ("~nobody-at-all/archive", "'~nobody-at-all/archive': there is no such user"),
    ],
)
def test_a_path_that_can_be_no_folder_is_refused(path: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        SqliteArchiveOptions(path)


@pytest.mark.parametrize("path", [None, ".", "~", "~/archive", "archive", "/var/lib/rta/archive"])
def test_any_other_is_taken(path: str | None) -> None:
    assert SqliteArchiveOptions(path).path == path
