"""Which subscriptions a message is for, however often the broker sends it."""

from __future__ import annotations

import pytest
from rta_transports.mqtt.dispatch import Dispatch, MqttSubscription

from rta.ports import TopicMessage


def waiting(subscription):
    return [m.payload.decode() for m in subscription._waiting]


class Broker:
    """Knows one identifier per filter, and sends a copy for each filter that fits, or one for all of them."""

    def __init__(self, separately=True):
        self.separately = separately
        self.dispatch = Dispatch()
        self.filters = {}

    def come(self, *filters, kept=()):
        subscription = MqttSubscription(filters, 100)
        self.dispatch.add(subscription)
        self.asked(self.dispatch.ask(subscription), kept)
        return subscription

    def asked(self, askings, kept=()):
        for asking in askings:
            self.filters[asking.filter] = asking.identifier
            for message in kept:
                if MqttSubscription((asking.filter,), 1).filter_for(message.topic):
                    self.dispatch.deliver(message, [asking.identifier])

    def publish(self, topic, payload):
        fits = [i for f, i in self.filters.items() if MqttSubscription((f,), 1).filter_for(topic)]
        for identifiers in [[i] for i in fits] if self.separately else [fits]:
            self.dispatch.deliver(TopicMessage(topic, payload.encode()), identifiers)


@pytest.fixture(params=[True, False], ids=["a-copy-for-each-filter", "one-copy"])
def broker(request):
    return Broker(request.param)


KEPT = TopicMessage("a/b", b"kept", retained=True)


def test_filters_that_overlap_bring_a_message_once(broker):
    one = broker.come("a/b", "a/+", "#")
    two = broker.come("a/#")
    three = broker.come("a/+", "x")
    broker.publish("a/b", "hello")
    assert [waiting(s) for s in (one, two, three)] == [["hello"]] * 3


def test_what_is_retained_is_for_who_has_just_come(broker):
    one = broker.come("a/+", kept=[KEPT])
    two = broker.come("a/+", "a/b", kept=[KEPT])
    assert (waiting(one), waiting(two)) == (["kept"], ["kept"])


def test_who_is_not_confirmed_yet_gets_what_is_retained_first(broker):
    one = broker.come("a/b")
    late = MqttSubscription(("a/b",), 100)
    broker.dispatch.add(late)
    askings = broker.dispatch.ask(late)
    broker.publish("a/b", "before")
    broker.asked(askings, [KEPT])
    broker.publish("a/b", "after")
    assert waiting(one) == ["before", "after"]
    assert waiting(late) == ["kept", "after"]


def test_who_leaves_takes_nothing_from_the_others(broker):
    stays, leaves = broker.come("a/#"), broker.come("a/#", "a/b")
    gone = broker.dispatch.remove(leaves)
    assert gone == ["a/b"]
    broker.dispatch.unsubscribed(gone)
    broker.publish("a/b", "still")  # the broker may not have heard yet
    assert (waiting(stays), waiting(leaves)) == (["still"], [])


def test_what_a_kept_session_has_held_back_comes_under_the_old_identifiers(broker):
    one = broker.come("a/+")
    again, forgotten = broker.dispatch.ask_again(session_present=True)
    assert ([a.filter for a in again], forgotten) == (["a/+"], [])
    broker.publish("a/b", "held back")
    broker.asked(again, [KEPT])
    assert waiting(one) == ["held back", "kept"]


def test_of_a_new_session_old_identifiers_mean_nothing(broker):
    one = broker.come("a/+")
    broker.dispatch.ask_again(session_present=False)
    broker.publish("a/b", "whatever it is")
    assert waiting(one) == []


def test_several_on_one_filter_are_renewed_by_one_question_and_all_get_what_is_retained(broker):
    several = [broker.come("a/+", "#") for _ in range(3)]
    again, _ = broker.dispatch.ask_again(session_present=False)
    assert [a.filter for a in again] == ["a/+", "#"]
    broker.asked(again, [KEPT])
    broker.publish("a/b", "live")
    assert [waiting(s) for s in several] == [["kept", "live"]] * 3


def test_filters_of_those_who_left_meanwhile_are_forgotten(broker):
    broker.come("stays")
    broker.dispatch.remove(broker.come("left", "stays"))
    again, forgotten = broker.dispatch.ask_again(session_present=True)
    assert [a.filter for a in again] == ["stays"]
    assert forgotten == ["left"]


def test_retained_messages_that_nobody_fetched_are_not_brought_twice(broker):
    one = broker.come("a/+", kept=[KEPT])
    again, _ = broker.dispatch.ask_again(session_present=False)
    broker.asked(again, [KEPT])
    assert waiting(one) == ["kept"]


def test_a_filter_that_was_refused_does_not_keep_messages_from_the_next(broker):
    one = broker.come("a/b", "a/+")
    one.refused.add("a/b")
    del broker.filters["a/b"]
    broker.publish("a/b", "hello")
    assert waiting(one) == ["hello"]


def test_a_broker_without_identifiers_is_believed(broker):
    one, two = broker.come("a/+", "#"), broker.come("b")
    broker.dispatch.deliver(TopicMessage("a/b", b"hello"), ())
    assert (waiting(one), waiting(two)) == (["hello"], [])


def test_identifiers_do_not_pile_up_while_subscriptions_come_and_go(broker):
    stays = broker.come("a/#")
    for _ in range(1000):
        broker.dispatch.remove(broker.come("a/#"))
    broker.publish("a/b", "hello")
    assert waiting(stays) == ["hello"]
    assert len(broker.dispatch._asked) <= 64
