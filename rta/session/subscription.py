"""What a client wants, and what it still lacks when it wants more."""

from __future__ import annotations

from attrs import field, frozen
from google.protobuf.message import DecodeError

from rta.errors import MalformedError
from rta.wire._pb import stream_pb2
from rta.wire.burst import Burst
from rta.wire.layout import ItemKind, Layout, Taken

__all__ = ["NOTHING", "Filter", "Subscription", "read_request"]


_LAYOUTS = 16  # remembered by a filter


@frozen(slots=True, cache_hash=True)
class Subscription:
    """Everything a client has subscribed so far. Equal ones are equal objects to a view."""

    events: bool = False
    all_data: bool = False
    channels: frozenset[int] = frozenset()
    """Empty when `all_data`."""

    def widened(self, other: Subscription) -> Subscription:
        """The union."""
        if self.all_data or other.all_data:
            channels: frozenset[int] = frozenset()
        elif other.channels <= self.channels:
            channels = self.channels
        else:
            channels = self.channels | other.channels
        new = Subscription(self.events or other.events, self.all_data or other.all_data, channels)
        return self if new == self else new

    def covers_data(self, channels: tuple[int, ...]) -> bool:
        """Whether an item of these channels is to be delivered: any of them is enough, and it comes whole."""
        return self.all_data or not self.channels.isdisjoint(channels)

    @property
    def wants_data(self) -> bool:
        return self.all_data or bool(self.channels)


NOTHING = Subscription()


@frozen(slots=True, cache_hash=True)
class Filter:
    """Which items of a burst go out: what `include` covers and `exclude`, already delivered, does not.

    Session JSON goes to everybody once, so not again with a back-fill. Time ranges and items of kinds we do not
    know ride along with whatever else is sent; they are no reason to send.
    """

    include: Subscription
    exclude: Subscription | None = None
    known: dict[Layout | None, Taken] = field(factory=dict, init=False, eq=False, repr=False)
    """What goes out of bursts of the layouts that came last."""

    def taken(self, layout: Layout) -> Taken:
        """What goes out of a burst of this layout."""
        found = self.known.get(layout)
        if found is None:
            if len(self.known) >= _LAYOUTS:
                self.known.clear()
            found = self.known[layout] = layout.taken(self)
        return found

    @property
    def named(self) -> frozenset[int] | None:
        """The channels of which data may be wanted; None: any."""
        return None if self.include.all_data else self.include.channels

    def wanted(self, kind: int, channels: tuple[int, ...]) -> bool:
        """Whether an item is a reason to send."""
        old = self.exclude
        match kind:
            case ItemKind.TIMESTAMPED | ItemKind.PERIODIC | ItemKind.ROW:
                return self.include.covers_data(channels) and not (old is not None and old.covers_data(channels))
            case ItemKind.EVENT:
                return self.include.events and not (old is not None and old.events)
            case ItemKind.SESSION_JSON:
                return old is None
            case _:
                return False

    @property
    def weight(self) -> int:
        """Roughly how many bytes its channels hold."""
        old = self.exclude
        return 60 * (len(self.include.channels) + (len(old.channels) if old is not None else 0))

    @staticmethod
    def rides(kind: int) -> bool:
        """Whether an item comes along with wanted ones."""
        return kind in (ItemKind.TIME_RANGE, 0)

    def may_want(self, burst: Burst) -> bool:
        """False where nothing in the burst can be wanted. Its items are not inspected."""
        return (
            (burst.has_data and self.include.wants_data)
            or (burst.has_events and self.include.events)
            or (self.exclude is None and bool(burst.session_json))
        )

    def wants_whole(self, burst: Burst) -> bool:
        """True where nothing in the burst has to be left out. Its items are not inspected."""
        new, old = self.include, self.exclude
        if old is None:
            return (new.all_data or not burst.has_data) and (new.events or not burst.has_events)
        return (
            not burst.session_json
            and (not burst.has_data or (new.all_data and not old.wants_data))
            and (not burst.has_events or (new.events and not old.events))
        )


def read_request(message: bytes) -> Subscription | None:
    """Decode a `StreamRequest`; None for an option we do not know.

    :raises MalformedError: kind `request`.
    """
    try:
        request = stream_pb2.StreamRequest.FromString(message)
    except DecodeError as e:
        raise MalformedError("request", f"not a StreamRequest: {e}") from None
    if request.WhichOneof("option") != "subscribe":
        return None
    s = request.subscribe
    return NOTHING.widened(Subscription(s.all_events, s.all_data_channels, frozenset(s.data_channel_ids)))
