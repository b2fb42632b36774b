"""What is to be said against a node at the end. Plain code.

- every entry that was committed has been acknowledged by the broker;
- nothing was published that was not committed, and nothing that the plant did is missing, the time of a node that is
  down, a full disk and a clock that is being set excepted;
- a fetch gives exactly what is in the history, but for what was published after it had been asked for;
- the retained picture is right.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from attrs import define, field

from scripts.soaking.ledger import Ledger, fingerprint
from scripts.soaking.sites import Streams

__all__ = ["Judge", "wrong_in_picture"]

Entry = dict[str, Any]


def wrong_in_picture(picture: Mapping[str, Any], streams: Streams, number: int) -> list[str]:
    """`picture`: what is retained, by topic below the node's; `number`: what all attributes are to be."""
    wanted: dict[str, Any] = {"presence": "online"}
    for stream, name in [*streams.kept.items(), *((s, "n") for s in streams.plain)]:
        wanted[f"channel/{stream}"] = {"state": "running"}
        wanted[f"status/{stream}"] = {name: number}
    found = {
        topic: said["entries"][-1]["values"] if topic.startswith("status/") else said
        for topic, said in picture.items()
        if not topic.startswith("alarm/")
    }
    topics = sorted(t for t in wanted.keys() | found.keys() if wanted.get(t) != found.get(t))
    return [f"retained on {t} is {found.get(t)!r}, not {wanted.get(t)!r}" for t in topics]


@define
class Judge:
    """Of what was recorded, stream by stream."""

    ledger: Ledger
    uncommitted: Collection[int]
    """Entries that need not be in the history."""
    due: Collection[int]
    """Numbers that have to be."""
    committed: int = 0
    lost: int = 0
    wrong: list[str] = field(factory=list)

    def take(
        self,
        stream: str,
        attribute: str,
        kept: list[Entry],
        fetched: list[Entry] | None,
        before: Collection[int],
    ) -> None:
        """`kept`: the history; `fetched`: the answer to a fetch of all of it, if there was one; `before`: what had been
        published when that was asked for."""
        by_print = {fingerprint(stream, e): e for e in kept}
        self.committed += len(by_print)
        lost = [e["seq"] for p, e in by_print.items() if p not in self.ledger.acknowledged[stream]]
        self.lost += len(lost)
        self._say(stream, len(lost), f"entries were committed and never delivered: seq {lost[:10]}")
        stray = self.ledger.published[stream] - by_print.keys() - set(self.uncommitted)
        self._say(stream, len(stray), "entries were published without having been committed")
        missing = set(self.due) - {e["values"].get(attribute) for e in kept}
        self._say(stream, len(missing), f"changes were not recorded: {sorted(missing)[:10]}")
        self._say(stream, len(kept) - len(by_print), "entries are twice in the history")
        if fetched is None:
            return
        later = {fingerprint(stream, e) for e in kept[len(fetched) :]}
        if list(map(_plain, fetched)) != list(map(_plain, kept[: len(fetched)])) or not later.isdisjoint(before):
            self.wrong.append(f"{stream}: a fetch gave {len(fetched)} entries, not the {len(kept)} that there are")

    def _say(self, stream: str, count: int, what: str) -> None:
        if count:
            self.wrong.append(f"{stream}: {count} {what}")


def _plain(entry: Entry) -> tuple[Any, ...]:
    return entry["ts"], entry["seq"], sorted(entry["values"].items())
