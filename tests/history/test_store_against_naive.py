"""The store does what a list would do, whatever is asked of it and however often it is opened anew."""

from __future__ import annotations

from examples import examples
from fast_folder import in_memory
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from naive_store import NaiveStore

from rta.history.store import HistoryStore, Retention
from rta.wire.values import Ns

KEYS = st.sampled_from([("a", ""), ("a", "fine"), ("b", ""), ("c", "x")])
TIMES = st.integers(0, 40)
"""Few, so that ranges meet them, in any order, as of clocks that are set."""
ENTRIES = st.lists(st.tuples(KEYS, TIMES, st.integers(1, 3), st.binary(max_size=4)), max_size=24)
LIMITS = st.builds(Retention, entries=st.integers(0, 20), before=TIMES.map(Ns))


class Histories(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = in_memory()
        self.path = self.folder.__enter__() / "history.sqlite"
        self.store = HistoryStore(self.path, segment=8)
        self.naive = NaiveStore()
        self.seq = 0

    @rule(drawn=ENTRIES, mark=st.none() | st.binary(max_size=4))
    def commit(self, drawn, mark):
        entries, pos = [], self.naive.last
        for key, ts, step, values in drawn:
            pos, self.seq = pos + step, self.seq + 1
            entries.append((key, pos, Ns(ts), self.seq, values))
        self.store.commit(entries, mark)
        self.naive.commit(entries, mark)

    @rule(
        key=KEYS,
        since=st.none() | TIMES,
        until=st.none() | TIMES,
        after=st.integers(0, 60),
        upto=st.none() | st.integers(0, 120),
        limit=st.integers(0, 30),
    )
    def read(self, **asked):
        key = asked.pop("key")
        assert self.store.read(key, **asked) == self.naive.read(key, **asked)

    @rule(limits=st.dictionaries(KEYS, LIMITS), at_most=st.integers(1, 40))
    def trim(self, limits, at_most):
        assert self.store.trim(limits, at_most) == self.naive.trim(limits)

    @rule(key=KEYS)
    def forget(self, key):
        self.store.forget(key)
        self.naive.forget(key)

    @precondition(lambda self: self.naive.last)
    @rule()
    def open_anew(self):
        self.store.close()
        self.store = HistoryStore(self.path)

    @invariant()
    def everything_is_there(self):
        assert (self.store.last, self.store.mark) == (self.naive.last, self.naive.mark)
        assert self.store.streams() == self.naive.streams()
        for key in self.naive.streams():
            assert self.store.read(key) == self.naive.read(key)
        assert self.store.damage == []

    def teardown(self):
        self.store.close()
        self.folder.__exit__(None, None, None)


Histories.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=20, deadline=None)
TestHistories = Histories.TestCase
