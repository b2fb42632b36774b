"""A view sends one frame to all its live clients, and says who did not take all of it."""

from collections.abc import Callable

from rta.ports import START
from rta.session.client import Client, SessionRun
from rta.session.view import View

from .simulation import FakeSocket, only, record

FRAME = b"0123456789"


def view_of(*sockets: FakeSocket) -> tuple[View, list[Client]]:
    view = View(only(1), 0)
    clients = [Client(s, _nothing, SessionRun.from_record(record(), 0), START, view) for s in sockets]
    for client, socket in zip(clients, sockets, strict=True):
        view.live[client] = socket.send
    return view, clients


_nothing: Callable[[], None] = lambda: None  # noqa: E731


def test_every_live_client_gets_the_frame() -> None:
    sockets = [FakeSocket() for _ in range(3)]
    view, _ = view_of(*sockets)
    assert view.send(FRAME) == []
    assert [bytes(s.stream) for s in sockets] == [FRAME] * 3


def test_clients_that_do_not_take_all_are_reported_with_how_much_they_took() -> None:
    full, short, broken, well = FakeSocket(0), FakeSocket(4), FakeSocket(), FakeSocket()
    broken.broken = True
    view, clients = view_of(full, short, broken, well)
    assert view.send(FRAME) == [(clients[0], 0), (clients[1], 4), (clients[2], -1)]


def test_a_client_that_cannot_take_it_keeps_nobody_from_getting_it() -> None:
    broken, full, well = FakeSocket(), FakeSocket(0), FakeSocket()
    broken.broken = True
    view, _ = view_of(broken, full, well)
    view.send(FRAME)
    assert bytes(well.stream) == FRAME


def test_a_view_without_live_clients_sends_nothing() -> None:
    assert View(only(1), 0).send(FRAME) == []


def test_a_view_wants_what_its_subscription_covers() -> None:
    view = View(only(1), 0)
    assert view.want.include == only(1)
    assert view.want.exclude is None
