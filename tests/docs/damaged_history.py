"""Lays down what a page takes for set aside: a history of one entry."""

from __future__ import annotations

from pathlib import Path

from rta.history.store import HistoryStore
from rta.wire.values import Ns

store = HistoryStore(Path("state/history.sqlite.damaged-20260717T101500Z"))
store.commit([(("car.engine", "live"), 1, Ns(0), 1, b"\xa0")])
store.close()
