"""The kit of the topic bus finds buses whose connections, wills and acknowledgements are broken."""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from itertools import count

import pytest
import trio
from attrs import evolve

from rta.errors import TransportError
from rta.ports import Link

from .verdict import complaint, passes
from .wrapped_bus import Kit, Wrapped, WrappedSubscription


class ForgetsItsWill(Wrapped):
    def connect(self, client_id, will=None):
        return self.bus.connect(client_id)


class LeavesItsWillAnyway(Wrapped):
    @asynccontextmanager
    async def connect(self, client_id, will=None):
        async with self.bus.connect(client_id, will):
            yield
            if will is not None:
                self.bus.send(will.topic, will.payload, retain=True)


class LeavesOneWillOnly(Wrapped):
    @asynccontextmanager
    async def connect(self, client_id, will=None):
        async with self.bus.connect(client_id, will), trio.open_nursery() as nursery:
            nursery.start_soon(self._forget)
            yield
            nursery.cancel_scope.cancel()

    async def _forget(self):
        await self.bus.link(after=1)
        self.bus._will = None


class SaysGoodbyeWhateverHappens(Wrapped):
    @asynccontextmanager
    async def connect(self, client_id, will=None):
        error = None
        async with self.bus.connect(client_id, will):
            try:
                yield
            except ArithmeticError as e:
                error = e
        if error is not None:
            raise error


class NeverTells(Wrapped):
    def send(self, topic, payload, *, done=None, **how):
        self.bus.send(topic, payload, **how)


class TellsTwice(Wrapped):
    def send(self, topic, payload, *, done=None, **how):
        def twice(error):
            done(error)
            done(error)

        self.bus.send(topic, payload, done=done and twice, **how)


class TellsWithinSend(Wrapped):
    def send(self, topic, payload, *, done=None, **how):
        self.bus.send(topic, payload, **how)
        if done is not None:
            done(None)


class TellsInReverse(Wrapped):
    def __init__(self, broker=None):
        super().__init__(broker)
        self.waiting = []

    def send(self, topic, payload, *, done=None, **how):
        if done is not None:
            self.waiting.append(done)
        self.bus.send(topic, payload, done=done and (lambda error: self.waiting.pop()(error)), **how)


class CannotSendWhileItTells(Wrapped):
    telling = False

    def send(self, topic, payload, *, done=None, **how):
        def told(error):
            self.telling = True
            done(error)
            self.telling = False

        if not self.telling:
            self.bus.send(topic, payload, done=done and told, **how)


class LosesTheResponseTopic(Wrapped):
    def send(self, topic, payload, *, response_topic=None, **how):
        self.bus.send(topic, payload, **how)


class TakesAnyResponseTopic(Wrapped):
    def send(self, topic, payload, *, response_topic=None, **how):
        self.bus.send(topic, payload, response_topic=None, **how)


class LosesTheCorrelation(Wrapped):
    def send(self, topic, payload, *, correlation=None, **how):
        self.bus.send(topic, payload, **how)


class ConfusesEmptyAndNoCorrelation(Wrapped):
    def send(self, topic, payload, *, correlation=None, **how):
        self.bus.send(topic, payload, correlation=correlation or None, **how)


class SendsAgainWhatWasSent(Wrapped):
    def __init__(self, broker=None):
        super().__init__(broker)
        self.sent = []

    def send(self, topic, payload, *, done=None, **how):
        self.bus.send(topic, payload, done=done, **how)
        self.sent.append((topic, payload))

    async def link(self, after=0):
        link = await self.bus.link(after)
        if link.number > 1:
            for topic, payload in self.sent:
                self.bus.send(topic, payload)
        return link


class SendsIntoTheVoid(Wrapped):
    def send(self, topic, payload, **how):
        with suppress(TransportError):
            self.bus.send(topic, payload, **how)


class CountsNoConnections(Wrapped):
    async def link(self, after=0):
        return evolve(await self.bus.link(after), number=1)


class MakesUpALinkEachTime(Wrapped):
    async def link(self, after=0):
        link = await self.bus.link(after)
        return Link(link.number, link.lost)


class DoesNotWaitForAConnection(Wrapped):
    async def link(self, after=0):
        await trio.lowlevel.checkpoint()
        return Link(after + 1)


class SaysNothingOfALoss(Wrapped):
    async def link(self, after=0):
        return Link((await self.bus.link(after)).number)


class KnowsNoTrouble(Wrapped):
    trouble = None


class IsAlwaysTroubled(Wrapped):
    trouble = "something"


class DoesNotSubscribeAgain(Wrapped):
    @asynccontextmanager
    async def subscribe(self, *filters, bound=1024):
        bus = self.bus

        class Subscription(WrappedSubscription):
            async def receive(self):
                message = await self.subscription.receive()
                while bus._links > 1:
                    await trio.sleep_forever()
                return message

        async with bus.subscribe(*filters, bound=bound) as subscription:
            yield Subscription(subscription)


class BringsWhatIsRetainedOnce(Wrapped):
    @asynccontextmanager
    async def subscribe(self, *filters, bound=1024):
        bus = self.bus

        class Subscription(WrappedSubscription):
            async def receive(self):
                while (message := await self.subscription.receive()).retained and bus._links > 1:
                    pass
                return message

        async with bus.subscribe(*filters, bound=bound) as subscription:
            yield Subscription(subscription)


class TakesNobodyOver(Wrapped):
    clients = count()

    def connect(self, client_id, will=None):
        return self.bus.connect(f"{client_id}-{next(self.clients)}", will)


AGAIN = "test_a_connection_that_breaks_is_made_again"
QOS = {"qos": 1}
BROKEN = [
    (ForgetsItsWill, "test_a_connection_that_breaks_leaves_its_will", {}),
    (ForgetsItsWill, "test_a_will_is_retained", {}),
    (LeavesItsWillAnyway, "test_a_connection_that_is_closed_leaves_no_will", {}),
    (SaysGoodbyeWhateverHappens, "test_a_connection_that_is_left_by_an_error_leaves_its_will", {}),
    (LeavesOneWillOnly, "test_every_connection_has_the_will", {}),
    (NeverTells, "test_the_sender_is_told_once_that_it_was_sent", QOS),
    (NeverTells, "test_of_every_message_the_fate_is_told_when_the_connection_breaks", QOS),
    (TellsTwice, "test_the_sender_is_told_once_that_it_was_sent", QOS),
    (TellsTwice, "test_of_every_message_the_fate_is_told_when_the_connection_breaks", QOS),
    (TellsWithinSend, "test_the_sender_is_not_told_while_it_sends", QOS),
    (TellsInReverse, "test_the_sender_is_told_in_the_order_of_sending", QOS),
    (CannotSendWhileItTells, "test_who_is_told_may_send", QOS),
    (LosesTheResponseTopic, "test_where_the_answer_is_to_go_arrives", QOS),
    (LosesTheCorrelation, "test_where_the_answer_is_to_go_arrives", QOS),
    (LosesTheCorrelation, "test_they_are_retained_too", {}),
    (ConfusesEmptyAndNoCorrelation, "test_each_of_them_may_be_left_out", {}),
    (TakesAnyResponseTopic, "test_an_answer_can_only_go_to_a_topic", {"topic": "r/+"}),
    (SendsAgainWhatWasSent, "test_what_was_lost_with_the_connection_is_not_sent_on_the_next", {}),
    (SendsIntoTheVoid, "test_without_a_connection_nothing_can_be_sent", {}),
    (SendsIntoTheVoid, "test_publishing_fails_for_want_of_a_connection_during_an_outage_and_works_afterwards", {}),
    (CountsNoConnections, AGAIN, {}),
    (MakesUpALinkEachTime, "test_link_gives_the_connection_there_is", {}),
    (DoesNotWaitForAConnection, "test_link_waits_for_a_connection", {}),
    (SaysNothingOfALoss, AGAIN, {}),
    (SaysNothingOfALoss, "test_leaving_ends_the_connection", {}),
    (KnowsNoTrouble, "test_during_an_outage_there_is_trouble", {}),
    (KnowsNoTrouble, "test_another_with_the_same_id_takes_over", {}),
    (IsAlwaysTroubled, "test_the_first_connection_has_the_number_one", {}),
    (IsAlwaysTroubled, "test_nobody_asked_is_no_trouble", {}),
    (DoesNotSubscribeAgain, "test_a_subscription_outlives_its_connection", {}),
    (BringsWhatIsRetainedOnce, "test_a_new_connection_brings_the_retained_messages_anew", {}),
    (BringsWhatIsRetainedOnce, "test_every_subscription_gets_them_anew", {}),
    (TakesNobodyOver, "test_another_with_the_same_id_takes_over", {}),
]


@pytest.mark.parametrize(("broken", "test", "parameters"), BROKEN, ids=lambda x: getattr(x, "__name__", None))
def test_a_broken_bus_fails(broken, test, parameters):
    assert complaint(Kit(broken), test, **parameters)


@pytest.mark.parametrize(("test", "parameters"), [(test, parameters) for _, test, parameters in BROKEN])
def test_the_same_bus_passes_unbroken(test, parameters):
    assert passes(Kit(), test, **parameters)
