"""The Microsoft extensions of subscriptions: 420, BENOTIFY, piggyback and autoextend (MS-SIP 3.4 to 3.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.errors import RemoteProtocolError
from simulator.sip.message import Request
from simulator.sip.notifier import NotifierUsage
from simulator.sip.options import (
    AUTOEXTEND,
    BENOTIFY,
    NO_OPTIONS,
    PIGGYBACK,
    SubscriptionOptions,
    bad_extension,
)
from simulator.sip.subscriber import SubscriberUsage
from simulator.sip.subscription import SubscriptionPhase

if TYPE_CHECKING:
    from tests.sip.wire import Calls

NOW = 1000.0
CONTACT = "<sip:pres.bob.test:5061;transport=tls>"
PIDF = "application/pidf+xml"
ALL = SubscriptionOptions(autoextend=True, piggyback=True, benotify=True)
ACTIVE = (SubscriptionPhase.ACTIVE, SubscriptionPhase.ACTIVE)


def with_via(request: Request) -> Request:
    copy = request.copy()
    copy.headers.prepend("Via", "SIP/2.0/TLS peer.test:5061;branch=z9hG4bKx")
    return copy


class Watch:
    """A SUBSCRIBE of a Microsoft client that a notifier granted; nothing has reached the client yet."""

    def __init__(
        self,
        calls: Calls,
        theirs: SubscriptionOptions = ALL,
        ours: SubscriptionOptions = ALL,
        *,
        expires: str = "600",
        pending: bool = False,
    ) -> None:
        asked = calls.request("SUBSCRIBE", Event="presence", Expires=expires, Supported="eventlist")
        self.subscriber = SubscriberUsage(asked, NOW, options=theirs)
        self.notifier = NotifierUsage.accept(
            with_via(self.subscriber.subscribe),
            NOW,
            contact=CONTACT,
            body=b"<a/>",
            content_type=PIDF,
            options=ours,
            pending=pending,
        )

    def granted(self) -> Watch:
        assert self.subscriber.receive_response(self.notifier.response, NOW) == []
        for notify in self.notifier.notify(NOW):
            self.hand_over(notify, NOW)
        return self

    def hand_over(self, notify: Request, now: float) -> None:
        if notify.method == "BENOTIFY":
            assert self.subscriber.receive_benotify(with_via(notify), now)
        else:
            assert self.subscriber.receive_notify(with_via(notify), now).status == 200

    def states(self) -> tuple[SubscriptionPhase, SubscriptionPhase]:
        return self.subscriber.state, self.notifier.state


def test_without_options_nothing_is_said_and_nothing_is_done(calls: Calls) -> None:
    plain = calls.request("SUBSCRIBE", Event="presence")
    assert SubscriberUsage(plain, NOW).subscribe is plain
    watch = Watch(calls, theirs=ALL, ours=NO_OPTIONS).granted()
    assert "Supported" not in watch.notifier.response.headers
    assert watch.notifier.response.body == b""
    (change,) = watch.notifier.publish(b"<b/>", PIDF, NOW + 100)
    assert (change.method, change.headers.get("Subscription-State")) == ("NOTIFY", "active;expires=500")
    watch = Watch(calls, theirs=NO_OPTIONS, ours=ALL).granted()
    assert "Supported" not in watch.notifier.response.headers
    assert watch.notifier.response.body == b""


def test_a_microsoft_client_says_what_it_supports_line_by_line(calls: Calls) -> None:
    """As in dialect facts §3.2."""
    subscribe = Watch(calls).subscriber.subscribe
    assert subscribe.headers.get_all("Supported") == ["eventlist", AUTOEXTEND, PIGGYBACK, BENOTIFY]
    assert subscribe.headers.get_all("Proxy-Require") == [BENOTIFY]


# 420


def test_an_edge_without_benotify_refuses_what_requires_it(calls: Calls) -> None:
    subscribe = with_via(Watch(calls).subscriber.subscribe)
    assert bad_extension(subscribe, ()) is None
    refusal = bad_extension(subscribe, (), as_proxy=True)
    assert refusal is not None
    assert (refusal.status, refusal.headers.get_all("Unsupported")) == (420, [BENOTIFY])
    assert refusal.to.tag
    assert bad_extension(subscribe, {BENOTIFY}, as_proxy=True) is None


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
def test_only_unknown_required_tags_are_refused_and_never_in_ack_and_cancel(calls: Calls, method: str) -> None:
    request = with_via(calls.request(Require="100rel, Timer", Supported="x"))
    refusal = bad_extension(request, {"timer"})
    assert refusal is not None
    assert refusal.headers.get_all("Unsupported") == ["100rel"]
    assert bad_extension(with_via(calls.request(method, Require="100rel")), ()) is None


def test_a_watcher_whose_benotify_is_refused_asks_again_without(calls: Calls) -> None:
    """MS-SIP 3.5.5.1."""
    subscriber = Watch(calls).subscriber
    first = subscriber.subscribe
    refusal = bad_extension(with_via(first), (), as_proxy=True)
    assert refusal is not None
    (again,) = subscriber.receive_response(refusal, NOW)
    assert again.headers.get_all("Supported") == ["eventlist", AUTOEXTEND, PIGGYBACK]
    assert "Proxy-Require" not in again.headers
    assert (again.call_id, again.cseq.number, again.expires, again.to.tag) == (first.call_id, 2, 600, None)
    assert again is subscriber.subscribe
    granted = NotifierUsage.accept(with_via(again), NOW, contact=CONTACT, options=ALL)
    subscriber.receive_response(granted.response, NOW)
    assert subscriber.state is SubscriptionPhase.ACTIVE
    (refresh,) = subscriber.refresh()
    assert "Proxy-Require" not in refresh.headers


def test_a_watcher_that_left_the_time_to_the_notifier_still_does_so_after_a_420(calls: Calls) -> None:
    subscriber = SubscriberUsage(calls.request("SUBSCRIBE", Event="presence"), NOW, options=ALL)
    refusal = calls.respond(subscriber.subscribe, 420, Unsupported=BENOTIFY)
    (again,) = subscriber.receive_response(refusal, NOW)
    assert again.expires is None


@pytest.mark.parametrize("more", [{}, {"Unsupported": "eventlist"}])
def test_a_420_for_something_else_ends_the_subscription(calls: Calls, more: dict[str, str]) -> None:
    subscriber = Watch(calls).subscriber
    assert subscriber.receive_response(calls.respond(subscriber.subscribe, 420, **more), NOW) == []
    assert subscriber.ended


def test_a_second_420_for_the_same_ends_it(calls: Calls) -> None:
    subscriber = Watch(calls).subscriber
    (again,) = subscriber.receive_response(calls.respond(subscriber.subscribe, 420, Unsupported=BENOTIFY), NOW)
    assert subscriber.receive_response(calls.respond(again, 420, Unsupported=BENOTIFY), NOW) == []
    assert subscriber.ended


# Piggyback


def test_the_200_carries_the_first_notification(calls: Calls) -> None:
    """Dialect facts §3.3."""
    watch = Watch(calls)
    response = watch.notifier.response
    assert (response.body, response.content_type) == (b"<a/>", PIDF)
    assert response.headers.get("Event") == "presence"
    assert response.headers.get("Subscription-State") == "active;expires=600"
    assert response.headers.get("ms-piggyback-cseq") == "1"
    assert PIGGYBACK in response.headers.get_all("Supported")
    watch.subscriber.receive_response(response, NOW)
    assert watch.states() == ACTIVE
    assert watch.subscriber.piggybacked is response
    assert watch.subscriber.next_timeout() == NOW + 540
    assert watch.notifier.notify(NOW) == []
    (change,) = watch.notifier.notify(NOW)
    assert change.cseq.number == 2
    watch.hand_over(change, NOW)


def test_a_change_before_the_200_was_followed_up_is_told(calls: Calls) -> None:
    watch = Watch(calls)
    (change,) = watch.notifier.publish(b"<b/>", PIDF, NOW)
    watch.hand_over(change, NOW)
    watch.subscriber.receive_response(watch.notifier.response, NOW)
    assert watch.subscriber.piggybacked is None, "what it says is older than the NOTIFY that overtook it"
    assert watch.states() == ACTIVE


def test_a_pending_watcher_sees_nothing_in_the_200_either(calls: Calls) -> None:
    watch = Watch(calls, pending=True).granted()
    assert watch.notifier.response.body == b""
    assert watch.states() == (SubscriptionPhase.PENDING, SubscriptionPhase.PENDING)
    (shown,) = watch.notifier.authorize(NOW)
    assert shown.body == b"<a/>"
    watch.hand_over(shown, NOW)
    assert watch.states() == ACTIVE


def test_a_fetch_is_answered_in_its_200_and_over(calls: Calls) -> None:
    watch = Watch(calls, expires="0").granted()
    assert watch.notifier.response.body == b"<a/>"
    assert watch.notifier.response.headers.get("Subscription-State") == "terminated;reason=timeout"
    assert watch.states() == (SubscriptionPhase.TERMINATED, SubscriptionPhase.TERMINATED)
    assert watch.notifier.publish(b"<b/>", PIDF, NOW) == []
    assert watch.subscriber.next_timeout() is watch.notifier.next_timeout() is None


def test_a_piggyback_that_nobody_asked_for_is_no_notification(calls: Calls) -> None:
    watch = Watch(calls)
    plain = SubscriberUsage(watch.subscriber.subscribe, NOW)
    plain.receive_response(watch.notifier.response, NOW)
    assert (plain.state, plain.piggybacked) == (SubscriptionPhase.REQUESTED, None)


def test_a_piggyback_number_that_cannot_be_read_ends_it_with_a_sentence(calls: Calls) -> None:
    watch = Watch(calls)
    watch.notifier.response.headers.set("ms-piggyback-cseq", "one")
    watch.subscriber.receive_response(watch.notifier.response, NOW)
    assert watch.subscriber.ended_because.startswith("a response could not be read: ")


# BENOTIFY


def test_later_notifications_come_as_benotify_with_rising_numbers(calls: Calls) -> None:
    watch = Watch(calls).granted()
    changes = [*watch.notifier.publish(b"<b/>", PIDF, NOW), *watch.notifier.terminate("noresource")]
    assert [str(change.cseq) for change in changes] == ["2 BENOTIFY", "3 BENOTIFY"]
    for change in changes:
        watch.hand_over(change, NOW)
    assert watch.states() == (SubscriptionPhase.TERMINATED, SubscriptionPhase.TERMINATED)
    assert watch.subscriber.reason == "noresource"


def test_the_first_notification_is_a_notify_where_the_200_carries_none(calls: Calls) -> None:
    watch = Watch(calls, ours=SubscriptionOptions(benotify=True)).granted()
    (change,) = watch.notifier.publish(b"<b/>", PIDF, NOW)
    assert str(change.cseq) == "2 BENOTIFY"
    watch.hand_over(change, NOW)


def test_a_plain_notify_may_come_all_the_same(calls: Calls) -> None:
    """MS-SIP 3.5.5.2."""
    watch = Watch(calls).granted()
    watch.notifier.agreed = NO_OPTIONS
    (change,) = watch.notifier.publish(b"<b/>", PIDF, NOW)
    assert change.method == "NOTIFY"
    watch.hand_over(change, NOW)


def test_a_benotify_out_of_order_or_malformed_or_not_asked_for_is_dropped(calls: Calls) -> None:
    watch = Watch(calls).granted()
    (change,) = watch.notifier.publish(b"<b/>", PIDF, NOW)
    broken = with_via(change)
    broken.headers.set("Subscription-State", "active;expires=soon")
    assert not watch.subscriber.receive_benotify(broken, NOW)
    plain = SubscriberUsage(watch.subscriber.subscribe, NOW)
    assert not plain.receive_benotify(with_via(change), NOW)
    (later,) = watch.notifier.publish(b"<c/>", PIDF, NOW)
    assert watch.subscriber.receive_benotify(with_via(later), NOW)
    assert not watch.subscriber.receive_benotify(with_via(later), NOW)
    assert watch.states() == ACTIVE


def test_a_refresh_without_benotify_makes_the_next_notifications_plain(calls: Calls) -> None:
    watch = Watch(calls).granted()
    more = {"Event": "presence", "Expires": "60", "Supported": AUTOEXTEND}
    response, (notify,) = watch.notifier.receive_subscribe(
        calls.peer_request(watch.notifier.dialog, "SUBSCRIBE", 9, **more), NOW
    )
    assert (response.headers.get_all("Supported"), notify.method) == ([AUTOEXTEND], "NOTIFY")


# Autoextend


def test_every_notification_starts_the_time_anew_on_both_sides(calls: Calls) -> None:
    """MS-SIP 3.6."""
    watch = Watch(calls).granted()
    for step in range(1, 6):
        now = NOW + 500 * step
        (change,) = watch.notifier.publish(b"<b/>", PIDF, now)
        assert change.headers.get("Subscription-State") == "active;expires=600"
        watch.hand_over(change, now)
        assert watch.notifier.expires_at == watch.subscriber.expires_at == now + 600
    assert watch.states() == ACTIVE


def test_a_notification_that_names_no_time_starts_the_granted_one_anew(calls: Calls) -> None:
    watch = Watch(calls).granted()
    (change,) = watch.notifier.publish(b"<b/>", PIDF, NOW + 500)
    change.headers.set("subscription-state", "active")
    watch.hand_over(change, NOW + 500)
    assert watch.subscriber.expires_at == NOW + 1100
    without = Watch(calls, ours=SubscriptionOptions(benotify=True)).granted()
    (change,) = without.notifier.publish(b"<b/>", PIDF, NOW + 500)
    change.headers.set("subscription-state", "active")
    without.hand_over(change, NOW + 500)
    assert without.subscriber.expires_at == NOW + 600


# What belongs to no extension


def test_a_refresh_for_too_short_a_time_gets_423(calls: Calls) -> None:
    subscribe = with_via(calls.request("SUBSCRIBE", Event="presence", Expires="600"))
    notifier = NotifierUsage.accept(subscribe, NOW, contact=CONTACT, min_expires=300)
    brief = calls.peer_request(notifier.dialog, "SUBSCRIBE", 2, Event="presence", Expires="299")
    response, notifies = notifier.receive_subscribe(brief, NOW)
    assert (response.status, response.headers.get("Min-Expires"), notifies) == (423, "300", [])
    assert notifier.expires_at == NOW + 600
    end = calls.peer_request(notifier.dialog, "SUBSCRIBE", 3, Event="presence", Expires="0")
    assert notifier.receive_subscribe(end, NOW)[0].status == 200
    assert notifier.ended


def test_a_refresh_that_comes_when_the_time_is_over_is_too_late(calls: Calls) -> None:
    subscribe = with_via(calls.request("SUBSCRIBE", Event="presence", Expires="600"))
    notifier = NotifierUsage.accept(subscribe, NOW, contact=CONTACT)
    late = calls.peer_request(notifier.dialog, "SUBSCRIBE", 2, Event="presence", Expires="600")
    response, (last,) = notifier.receive_subscribe(late, NOW + 600)
    assert response.status == 481
    assert last.headers.get("Subscription-State") == "terminated;reason=timeout"


def test_a_list_of_tags_that_cannot_be_read_is_the_peers_mistake(calls: Calls) -> None:
    subscribe = with_via(calls.request("SUBSCRIBE", Event="presence", Supported='"x, y'))
    with pytest.raises(RemoteProtocolError):
        NotifierUsage.accept(subscribe, NOW, contact=CONTACT, options=ALL)
