"""Subscriptions between a watcher and a notifier, and the rules of RFC 6665 §4 that decide when they end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.errors import LocalProtocolError, RemoteProtocolError
from simulator.sip.dialog import Dialog
from simulator.sip.events import RequestReceived, ResponseReceived
from simulator.sip.message import Request, Response
from simulator.sip.subscription import NotifierUsage, SubscriberUsage, SubscriptionPhase, too_brief

if TYPE_CHECKING:
    from tests.sip.wire import Calls, Pair

NOW = 1000.0
CONTACT = "<sip:pres.bob.test:5061;transport=tls>"
PIDF = "application/pidf+xml"
EDGE = "<sip:sip.bob.test:5061;transport=tls;lr;ms-route-sig=a+b/c=>"


class Watch:
    """A SUBSCRIBE of alice that bob granted, without a network between them; each step hands messages over by bytes."""

    def __init__(self, calls: Calls, *, expires: int | None = 600, **grant: bool | int) -> None:
        more = {} if expires is None else {"Expires": str(expires)}
        self.calls = calls
        self.subscriber = SubscriberUsage(calls.request("SUBSCRIBE", Event="presence", Accept=PIDF, **more), NOW)
        self.received = with_via(self.subscriber.subscribe)
        self.received.headers.add("Record-Route", EDGE)
        self.notifier = NotifierUsage.accept(
            self.received,
            NOW,
            contact=CONTACT,
            body=b"<here/>",
            content_type=PIDF,
            **grant,  # type: ignore[arg-type]
        )

    def granted(self) -> Watch:
        """The 200 and the first NOTIFY have reached alice."""
        assert self.subscriber.receive_response(self.notifier.response, NOW) == []
        self.notified(*self.notifier.notify(NOW), now=NOW)
        return self

    def notified(self, *notifies: Request, now: float) -> list[int]:
        """Hand NOTIFYs to alice and her answers to bob; the statuses."""
        answers = [self.subscriber.receive_notify(with_via(notify), now) for notify in notifies]
        for answer in answers:
            self.notifier.receive_response(answer)
        return [answer.status for answer in answers]

    def subscribed(self, *subscribes: Request, now: float) -> list[int]:
        """Hand SUBSCRIBEs to bob, his answers and NOTIFYs to alice; the statuses of both kinds."""
        statuses = []
        for subscribe in subscribes:
            response, notifies = self.notifier.receive_subscribe(with_via(subscribe), now)
            self.subscriber.receive_response(response, now)
            statuses += [response.status, *self.notified(*notifies, now=now)]
        return statuses


def with_via(request: Request) -> Request:
    copy = request.copy()
    copy.headers.prepend("Via", "SIP/2.0/TLS peer.test:5061;branch=z9hG4bKx")
    return copy


@pytest.fixture
def watch(calls: Calls) -> Watch:
    return Watch(calls).granted()


def states(watch: Watch) -> tuple[SubscriptionPhase, SubscriptionPhase]:
    return watch.subscriber.state, watch.notifier.state


ACTIVE = (SubscriptionPhase.ACTIVE, SubscriptionPhase.ACTIVE)
TERMINATED = (SubscriptionPhase.TERMINATED, SubscriptionPhase.TERMINATED)


def test_a_subscription_is_granted_notified_at_once_changed_and_ended_over_the_wire(pair: Pair, calls: Calls) -> None:
    subscriber = SubscriberUsage(calls.request("SUBSCRIBE", Event="presence", Expires="600"), pair.now)
    alice, bob = pair.alice, pair.bob
    alice.connection.send_request(subscriber.subscribe, pair.now)
    pair.flow()
    asked = bob.take(RequestReceived)
    notifier = NotifierUsage.accept(asked.request, pair.now, contact=CONTACT, body=b"<a/>", content_type=PIDF)
    bob.connection.send_response(asked.transaction, notifier.response, pair.now)
    for notify in [*notifier.notify(pair.now), *notifier.publish(b"<b/>", PIDF, pair.now)]:
        bob.connection.send_request(notify, pair.now)
    pair.flow()
    assert subscriber.receive_response(alice.take(ResponseReceived).response, pair.now) == []
    bodies = []
    for _ in range(2):
        event = alice.take(RequestReceived)
        assert SubscriberUsage.half_id_of(event.request) == subscriber.half_id
        alice.connection.send_response(event.transaction, subscriber.receive_notify(event.request, pair.now), pair.now)
        bodies.append(event.request.body)
    pair.flow()
    assert bodies == [b"<a/>", b"<b/>"]
    assert [bob.take(ResponseReceived).response.status for _ in range(2)] == [200, 200]
    assert (subscriber.state, notifier.state) == ACTIVE
    assert subscriber.dialog is not None
    assert notifier.id == (subscriber.dialog.id[0], subscriber.dialog.id[2], subscriber.dialog.id[1])


# Subscriber


def test_the_subscription_waits_for_its_first_notify(calls: Calls) -> None:
    watch = Watch(calls)
    watch.subscriber.receive_response(watch.notifier.response, NOW)
    assert watch.subscriber.state is SubscriptionPhase.REQUESTED
    watch.notified(*watch.notifier.notify(NOW), now=NOW)
    assert states(watch) == ACTIVE


def test_a_notify_before_the_200_makes_the_dialog_and_the_200_changes_nothing_of_it(calls: Calls) -> None:
    watch = Watch(calls)
    assert watch.notified(*watch.notifier.notify(NOW), now=NOW) == [200]
    dialog = watch.subscriber.dialog
    assert dialog is not None
    assert dialog.id[2] == watch.notifier.dialog.local.tag
    watch.subscriber.receive_response(watch.notifier.response, NOW)
    assert watch.subscriber.dialog is dialog
    assert watch.notified(*watch.notifier.publish(b"<b/>", PIDF, NOW), now=NOW) == [200]


def test_the_time_counts_from_the_200_and_a_notify_may_shorten_it(calls: Calls) -> None:
    watch = Watch(calls, max_expires=300)
    watch.subscriber.receive_response(watch.notifier.response, NOW)
    assert watch.subscriber.expires_at == NOW + 300
    notify = watch.notifier.notify(NOW)[0]
    notify.headers.set("Subscription-State", "active;expires=100")
    watch.notified(notify, now=NOW + 1)
    assert (watch.subscriber.expires_at, watch.subscriber.refresh_at) == (NOW + 101, NOW + 51)


def test_it_is_refreshed_a_minute_before_it_runs_out_with_the_headers_of_the_first_subscribe(watch: Watch) -> None:
    assert watch.subscriber.next_timeout() == NOW + 540
    assert watch.subscriber.handle_timeout(NOW + 539) == []
    (refresh,) = watch.subscriber.handle_timeout(NOW + 540)
    first = watch.subscriber.subscribe
    assert refresh.cseq == (2, "SUBSCRIBE")
    for name in ("Event", "Accept", "Expires", "Contact", "Call-ID", "From"):
        assert refresh.headers.get_all(name) == first.headers.get_all(name), name
    assert refresh.routes == (EDGE,)
    assert refresh.uri == CONTACT.strip("<>")
    assert watch.subscribed(refresh, now=NOW + 540) == [200, 200]
    assert watch.subscriber.expires_at == watch.notifier.expires_at == NOW + 1140


def test_a_short_subscription_is_refreshed_at_half_its_time(calls: Calls) -> None:
    assert Watch(calls, expires=20).granted().subscriber.next_timeout() == NOW + 10


def test_only_one_refresh_is_open_at_a_time(watch: Watch) -> None:
    assert len(watch.subscriber.handle_timeout(NOW + 540)) == 1
    assert watch.subscriber.handle_timeout(NOW + 541) == []
    assert watch.subscriber.refresh() == []


def test_a_subscribe_without_expires_leaves_the_time_to_the_notifier(calls: Calls) -> None:
    watch = Watch(calls, expires=None, default_expires=28_800).granted()
    assert watch.subscriber.expires_at == NOW + 28_800
    (refresh,) = watch.subscriber.refresh()
    assert refresh.expires is None


def test_without_any_notify_it_ends_after_timer_n(calls: Calls) -> None:
    watch = Watch(calls)
    watch.subscriber.receive_response(watch.notifier.response, NOW)
    assert watch.subscriber.next_timeout() == NOW + 32
    watch.subscriber.handle_timeout(NOW + 32)
    assert watch.subscriber.ended_because == "no NOTIFY came"
    assert watch.notified(*watch.notifier.notify(NOW), now=NOW) == [481]
    assert watch.notifier.ended


def test_unsubscribing_ends_with_the_notify_that_follows(watch: Watch) -> None:
    (unsubscribe,) = watch.subscriber.unsubscribe(NOW + 10)
    assert unsubscribe.expires == 0
    assert not watch.subscriber.ended
    assert watch.subscribed(unsubscribe, now=NOW + 10) == [200, 200]
    assert states(watch) == TERMINATED
    assert (watch.subscriber.ended_because, watch.notifier.ended_because) == ("we ended it", "the peer ended it")
    assert watch.subscriber.unsubscribe(NOW + 11) == []


def test_unsubscribing_from_a_silent_peer_ends_after_64_t1(watch: Watch) -> None:
    watch.subscriber.unsubscribe(NOW + 10)
    assert watch.subscriber.next_timeout() == NOW + 42
    assert watch.subscriber.handle_timeout(NOW + 42) == []
    assert watch.subscriber.ended_because == "we ended it"


def test_who_gives_up_waits_for_nothing_and_refuses_what_still_comes(watch: Watch) -> None:
    watch.subscriber.unsubscribe(NOW + 10)
    (last,) = watch.notifier.terminate("rejected")

    watch.subscriber.give_up("not allowed any more")

    assert watch.subscriber.ended_because == "not allowed any more"
    assert watch.subscriber.next_timeout() is None
    assert watch.subscriber.receive_notify(last, NOW + 10).status == 481
    watch.subscriber.give_up("again")
    assert watch.subscriber.ended_because == "not allowed any more"


def test_a_fetch_brings_the_state_once_and_leaves_nothing(calls: Calls) -> None:
    watch = Watch(calls, expires=0)
    assert watch.notifier.response.expires == 0
    watch.subscriber.receive_response(watch.notifier.response, NOW)
    (notify,) = watch.notifier.notify(NOW)
    assert (notify.body, notify.headers.get("Subscription-State")) == (b"<here/>", "terminated;reason=timeout")
    assert watch.notified(notify, now=NOW) == [200]
    assert states(watch) == TERMINATED
    assert watch.subscriber.next_timeout() is watch.notifier.next_timeout() is None


def test_a_fetch_whose_notify_overtakes_the_200_stays_ended(calls: Calls) -> None:
    watch = Watch(calls, expires=0)
    watch.notified(*watch.notifier.notify(NOW), now=NOW)
    watch.subscriber.receive_response(watch.notifier.response, NOW)
    assert watch.subscriber.ended


@pytest.mark.parametrize(
    ("state", "reason", "wait"),
    [
        ("terminated;reason=deactivated", "deactivated", 0),
        ("terminated;reason=timeout;retry-after=9", "timeout", 0),
        ("terminated;reason=probation;retry-after=30", "probation", 30),
        ("terminated;reason=giveup", "giveup", 0),
        ("terminated;reason=rejected", "rejected", None),
        ("terminated;reason=noresource", "noresource", None),
        ("TERMINATED;expires=0", None, 0),
    ],
)
def test_the_peer_ends_it_and_says_when_to_come_again(
    watch: Watch, state: str, reason: str | None, wait: int | None
) -> None:
    notify = watch.notifier.notify(NOW)[0]
    notify.headers.set("Subscription-State", state)
    assert watch.subscriber.receive_notify(with_via(notify), NOW).status == 200
    assert watch.subscriber.ended
    assert (watch.subscriber.reason, watch.subscriber.retry_after) == (reason, wait)


@pytest.mark.parametrize("status", [403, 404, 480, 489, 503])
def test_any_refusal_of_the_first_subscribe_ends_it(calls: Calls, status: int) -> None:
    watch = Watch(calls)
    refusal = calls.respond(watch.received, status)
    watch.subscriber.receive_response(refusal, NOW)
    assert watch.subscriber.refused_with is refusal
    assert watch.subscriber.ended_because == f"the peer refused with {status}"


@pytest.mark.parametrize(("status", "ends"), [(481, True), (404, True), (489, True), (503, False), (403, False)])
def test_only_some_refusals_of_a_refresh_end_it(watch: Watch, status: int, ends: bool) -> None:
    (refresh,) = watch.subscriber.refresh()
    watch.subscriber.receive_response(watch.calls.respond(refresh, status), NOW)
    assert watch.subscriber.ended == ends
    if not ends:
        assert watch.subscriber.next_timeout() == NOW + 600
        watch.subscriber.handle_timeout(NOW + 600)
        assert watch.subscriber.ended_because == "it ran out"


def test_an_interval_too_brief_is_asked_for_again_at_the_length_the_peer_wants(calls: Calls) -> None:
    watch = Watch(calls, expires=60)
    refusal = too_brief(watch.received, 1800)
    assert refusal is not None
    (again,) = watch.subscriber.receive_response(refusal, NOW)
    assert (again.expires, again.cseq.number, again.call_id) == (1800, 2, watch.received.call_id)
    assert again.to.tag is None
    granted = NotifierUsage.accept(with_via(again), NOW, contact=CONTACT)
    watch.subscriber.receive_response(granted.response, NOW)
    assert watch.subscriber.expires_at == NOW + 1800


def test_a_peer_that_finds_every_interval_too_brief_is_not_asked_forever(calls: Calls) -> None:
    watch = Watch(calls, expires=60)
    refusal = calls.respond(watch.received, 423, Min_Expires="60")
    assert watch.subscriber.receive_response(refusal, NOW) == []
    assert watch.subscriber.ended


def test_an_unanswered_first_subscribe_ends_it_and_an_unanswered_refresh_does_not(calls: Calls) -> None:
    watch = Watch(calls)
    watch.subscriber.request_failed(watch.subscriber.subscribe, "No final response.")
    assert watch.subscriber.ended_because == "No final response"
    other = Watch(calls).granted()
    (refresh,) = other.subscriber.refresh()
    other.subscriber.request_failed(refresh, "No final response.")
    assert not other.subscriber.ended
    assert len(other.subscriber.refresh()) == 1


def test_giving_up_before_the_dialog_is_there_ends_it_here_and_now(calls: Calls) -> None:
    watch = Watch(calls)
    assert watch.subscriber.unsubscribe(NOW) == []
    assert watch.subscriber.ended


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Event", "dialog", 489),
        ("Event", "presence;id=7", 481),
        ("Subscription-State", "active;expires=soon", 400),
        ("To", "<sip:alice@alice.test>;tag=another", 481),
        ("From", "<sip:bob@bob.test>;tag=fork", 481),
        ("CSeq", "1 NOTIFY", 500),
        ("Contact", "<sip:broken", 400),
    ],
)
def test_a_notify_that_does_not_fit_is_refused_and_changes_nothing(
    watch: Watch, header: str, value: str, status: int
) -> None:
    before = watch.subscriber.next_timeout()
    notify = with_via(watch.notifier.notify(NOW)[0])
    notify.headers.set(header, value)
    assert watch.subscriber.receive_notify(notify, NOW + 5).status == status
    assert (watch.subscriber.state, watch.subscriber.next_timeout()) == (SubscriptionPhase.ACTIVE, before)


@pytest.mark.parametrize(("header", "status"), [("Event", 489), ("Subscription-State", 400)])
def test_a_notify_needs_event_and_subscription_state(watch: Watch, header: str, status: int) -> None:
    notify = with_via(watch.notifier.notify(NOW)[0])
    notify.headers.remove(header)
    assert watch.subscriber.receive_notify(notify, NOW).status == status


def test_a_late_answer_to_an_older_subscribe_is_ignored(watch: Watch) -> None:
    watch.subscriber.refresh()
    late = watch.calls.respond(watch.received, 481)
    watch.subscriber.receive_response(late, NOW)
    assert not watch.subscriber.ended


@pytest.mark.parametrize("method", ["MESSAGE", "SUBSCRIBE"])
def test_only_a_subscribe_with_an_event_begins_a_subscription(calls: Calls, method: str) -> None:
    with pytest.raises(LocalProtocolError):
        SubscriberUsage(calls.request(method), NOW)


# Notifier


@pytest.mark.parametrize(("asked", "granted"), [(None, 3600), (60, 60), (7200, 7200), (999_999, 86_400), (0, 0)])
def test_the_notifier_grants_what_is_asked_for_within_its_limits(calls: Calls, asked: int | None, granted: int) -> None:
    watch = Watch(calls, expires=asked)
    response = watch.notifier.response
    assert (response.status, response.expires) == (200, granted)
    assert response.contact is not None
    assert response.to.tag
    assert response.record_routes == (EDGE,)


def test_the_first_notify_tells_event_time_and_state_in_the_dialog(calls: Calls) -> None:
    watch = Watch(calls)
    (notify,) = watch.notifier.notify(NOW + 0.2)
    assert Dialog.id_of(notify) == (watch.received.call_id, watch.received.from_.tag, watch.notifier.dialog.local.tag)
    assert notify.headers.get("Event") == "presence"
    assert notify.headers.get("Subscription-State") == "active;expires=600"
    assert (notify.body, notify.content_type) == (b"<here/>", PIDF)
    assert notify.uri == "sip:alice@alice.test;opaque=user:epid:abc;gruu"
    assert notify.routes == (EDGE,)
    assert notify.headers.get("Contact") == CONTACT


def test_the_id_of_the_event_comes_back(calls: Calls) -> None:
    subscribe = with_via(calls.request("SUBSCRIBE", Event="presence;id=42"))
    notifier = NotifierUsage.accept(subscribe, NOW, contact=CONTACT)
    assert notifier.notify(NOW)[0].headers.get("Event") == "presence;id=42"


def test_a_pending_watcher_sees_nothing_until_it_is_authorized(calls: Calls) -> None:
    watch = Watch(calls, pending=True).granted()
    assert states(watch) == (SubscriptionPhase.PENDING, SubscriptionPhase.PENDING)
    assert watch.notifier.publish(b"<new/>", PIDF, NOW) == []
    (hidden,) = watch.notifier.notify(NOW)
    assert (hidden.body, hidden.headers.get("Subscription-State")) == (b"", "pending;expires=600")
    watch.notified(hidden, now=NOW)
    (shown,) = watch.notifier.authorize(NOW)
    assert shown.body == b"<new/>"
    watch.notified(shown, now=NOW)
    assert states(watch) == ACTIVE
    assert watch.notifier.authorize(NOW) == []


def test_a_pending_watcher_can_be_rejected_for_good(calls: Calls) -> None:
    watch = Watch(calls, pending=True).granted()
    (last,) = watch.notifier.terminate("rejected")
    assert last.body == b""
    watch.notified(last, now=NOW)
    assert states(watch) == TERMINATED
    assert watch.subscriber.retry_after is None


def test_an_unrefreshed_subscription_ends_with_a_last_notify(watch: Watch) -> None:
    assert watch.notifier.next_timeout() == NOW + 600
    assert watch.notifier.handle_timeout(NOW + 599) == []
    (last,) = watch.notifier.handle_timeout(NOW + 600)
    assert last.headers.get("Subscription-State") == "terminated;reason=timeout"
    assert watch.notifier.handle_timeout(NOW + 601) == []
    assert watch.notifier.ended_because == "it ran out"


def test_probation_says_when_to_come_again(watch: Watch) -> None:
    watch.notified(*watch.notifier.terminate("probation", retry_after=30), now=NOW)
    assert (watch.subscriber.reason, watch.subscriber.retry_after) == ("probation", 30)


def test_after_the_end_nothing_is_notified_and_a_subscribe_gets_481(watch: Watch) -> None:
    (refresh,) = watch.subscriber.refresh()
    watch.notifier.terminate("deactivated")
    assert watch.notifier.publish(b"<x/>", PIDF, NOW) == watch.notifier.notify(NOW) == []
    assert watch.notifier.terminate("deactivated") == []
    assert watch.subscribed(refresh, now=NOW) == [481]


@pytest.mark.parametrize(("status", "ends"), [(200, False), (481, True), (404, True), (500, False), (503, False)])
def test_some_refusals_of_a_notify_end_the_subscription(watch: Watch, status: int, ends: bool) -> None:
    (notify,) = watch.notifier.notify(NOW)
    watch.notifier.receive_response(notify.respond(status))
    assert watch.notifier.ended == ends


def test_an_unanswered_notify_ends_the_subscription(watch: Watch) -> None:
    watch.notifier.request_failed("No final response.")
    assert watch.notifier.ended_because == "No final response"


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [("Event", "dialog", 489), ("Event", "presence;id=1", 481), ("Expires", "soon", 400), ("CSeq", "1 SUBSCRIBE", 500)],
)
def test_a_refresh_that_does_not_fit_is_refused_and_changes_nothing(
    watch: Watch, header: str, value: str, status: int
) -> None:
    (refresh,) = watch.subscriber.refresh()
    refresh = with_via(refresh)
    refresh.headers.set(header, value)
    response, notifies = watch.notifier.receive_subscribe(refresh, NOW + 5)
    assert (response.status, notifies) == (status, [])
    assert watch.notifier.expires_at == NOW + 600


def test_a_refresh_repeats_the_headers_of_the_first_answer(calls: Calls) -> None:
    subscribe = with_via(calls.request("SUBSCRIBE", Event="presence"))
    notifier = NotifierUsage.accept(
        subscribe, NOW, contact=CONTACT, headers=[("Supported", "ms-benotify")], notify_headers=[("X", "y")]
    )
    refresh = calls.peer_request(notifier.dialog, "SUBSCRIBE", 2, Event="presence", Expires="60")
    response, (notify,) = notifier.receive_subscribe(refresh, NOW)
    assert response.headers.get("Supported") == notifier.response.headers.get("Supported") == "ms-benotify"
    assert (response.expires, notify.headers.get("X")) == (60, "y")
    assert notify.headers.get("Subscription-State") == "active;expires=60"


def test_a_subscribe_without_event_is_a_bad_event(calls: Calls) -> None:
    with pytest.raises(RemoteProtocolError) as refused:
        NotifierUsage.accept(with_via(calls.request("SUBSCRIBE")), NOW, contact=CONTACT)
    assert refused.value.status_hint == 489


@pytest.mark.parametrize(
    ("asked", "refused"), [("0", False), ("1799", True), ("1800", False), ("3600", False), ("", False)]
)
def test_too_brief_spares_fetches_and_long_times(calls: Calls, asked: str, refused: bool) -> None:
    more = {"Expires": asked} if asked else {}
    answer: Response | None = too_brief(with_via(calls.request("SUBSCRIBE", Event="presence", **more)), 1800)
    assert (answer is not None) == refused
    if answer is not None:
        assert (answer.status, answer.headers.get("Min-Expires")) == (423, "1800")


def test_an_hour_is_never_too_brief(calls: Calls) -> None:
    """RFC 6665 §4.2.1.1."""
    assert too_brief(with_via(calls.request("SUBSCRIBE", Event="presence", Expires="3600")), 7200) is None
