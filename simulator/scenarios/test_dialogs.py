"""Conversations and subscriptions as a careful peer holds them: whose they are, in which order, and what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed
from simulator.scenarios import Case, cases, scenario
from simulator.scenarios.by_hand import by_hand, must_be, said
from simulator.scenarios.dialog_cases import (
    INSIDE,
    NOT_TAKEN,
    PARTS,
    REFUSING_NOTIFICATIONS,
    TAKEN,
    Inside,
    Judge,
    Notified,
)
from simulator.scenarios.dialogs import ASKING, SDP, SDP_TYPE, HeldSession, HeldSubscription
from simulator.scenarios.traffic import must_have_got

if TYPE_CHECKING:
    from simulator.federation import Federation
    from simulator.partner import Partner
    from simulator.sip.message import Response

TALKED_TO = ("receive", "open-federation", "observe-inbox")
WATCHED = ("show-presence", "open-federation")
CLAIMS = (
    Case("as-itself", False, words="under its own name"),
    Case("as-the-owner", True, words="under the owner's name"),
)
"Whom an intruder who knows the dialog claims to be."


# -- conversations ------------------------------------------------------------------------------------------------


@scenario(level="must", sources=("F0.2", "dialect §2.3"), needs=TALKED_TO)
@cases("owner", *CLAIMS)
@cases("method", "MESSAGE", "BYE", "INVITE")
def test_conversation_is_its_owners(federation: Federation, method: str, owner: bool) -> None:
    """A {method} of another partner that knows a conversation's tags changes nothing in it, and is not shown."""
    partner, intruder = federation.partner(), federation.partner()
    session = HeldSession(federation, partner)

    answer = _intrude(federation, session, intruder, method, owner, body="Trust me")

    if answer.status < 400:
        raise ExpectationFailed(
            f"The {method} of {intruder} in a conversation of {partner} must be refused, but was answered "
            f"{said(answer)}: whoever knows the tags may not speak in a dialog, its owner alone may."
        )
    session.must_go_on()


@scenario(level="must", sources=("RFC 3261 §12.2.2",), needs=TALKED_TO)
@cases("inside", *INSIDE)
def test_request_in_a_conversation(federation: Federation, inside: Inside) -> None:
    """A request in a conversation that {inside} gets a right answer, and the conversation goes on."""
    alice = federation.sut.user("alice")
    alice.ignores("offers")
    alice.ignores("typing")
    session = HeldSession(federation, federation.partner())

    answer = session.ask(inside.method, more=inside.more, body=inside.body, content_type=inside.content_type)

    must_be(answer, *inside.statuses, what=f"a {inside.method} in a conversation")
    if inside.method == "INVITE" and answer.status == 200:
        session.wire.send(session.request("ACK", instead={"CSeq": f"CSeq: {session.cseq} ACK"}))
    session.must_go_on()


@scenario(level="must", sources=("RFC 3261 §12.2.2",), needs=TALKED_TO)
def test_message_out_of_order(federation: Federation) -> None:
    """A message whose CSeq is lower than one before is refused with 500, and the conversation goes on."""
    session = HeldSession(federation, federation.partner())
    session.ask("MESSAGE", cseq=10, body="ten")
    federation.sut.user("alice").expect_message("ten")

    answer = session.ask("MESSAGE", cseq=9, body="nine")

    must_be(answer, 500, what="a MESSAGE whose CSeq is 9, after one with 10,")
    session.ask("MESSAGE", cseq=11, body="eleven")
    must_have_got(federation.sut.user("alice"), ["ten", "eleven"])


@scenario(level="must", sources=("RFC 3261 §12.2.2",), needs=TALKED_TO)
def test_gap_in_the_order(federation: Federation) -> None:
    """A message whose CSeq is a thousand above the last is in order: the numbers between were for others."""
    session = HeldSession(federation, federation.partner())

    answer = session.ask("MESSAGE", cseq=1000, body="a thousand")

    must_be(answer, 200, what="a MESSAGE whose CSeq has a gap before it, which is no mistake,")
    must_have_got(federation.sut.user("alice"), ["a thousand"])


@scenario(level="must", sources=("RFC 3261 §17.2.3", "RFC 3261 §8.2.2.2"), needs=TALKED_TO)
def test_message_that_comes_again_as_it_was(federation: Federation) -> None:
    """A message in a conversation that comes again with its branch and its number is shown once."""
    session = HeldSession(federation, federation.partner())
    message = session.request("MESSAGE", body="only once")

    for _ in range(3):
        session.wire.send(message)
    assert session.ask("MESSAGE", body="the last").status == 200

    must_have_got(federation.sut.user("alice"), ["only once", "the last"])


@scenario(level="must", sources=("RFC 3261 §15.1.2",), needs=TALKED_TO)
@cases("method", "MESSAGE", "BYE", "INVITE", "INFO")
def test_after_the_end_of_a_conversation(federation: Federation, method: str) -> None:
    """After its BYE a conversation is over: a {method} in it is answered with 481, and not shown."""
    partner = federation.partner()
    session = HeldSession(federation, partner)
    must_be(session.ask("BYE"), 200, what="the BYE of a conversation")

    answer = session.ask(method, body="" if method == "BYE" else "too late")

    must_be(answer, 481, what=f"a {method} in a conversation that is over")
    HeldSession(federation, partner).must_go_on()


@scenario(level="must", sources=("RFC 3261 §15", "RFC 3261 §13.2.2.4"), needs=TALKED_TO)
def test_end_before_the_ack(federation: Federation) -> None:
    """A caller may end a conversation before it has acknowledged it; another one can follow at once."""
    partner = federation.partner()
    session = HeldSession(federation, partner, acknowledged=False)

    must_be(session.ask("BYE"), 200, what="a BYE without an ACK before")
    HeldSession(federation, partner).must_go_on()


@scenario(level="must", sources=("RFC 3261 §9.2",), needs=TALKED_TO)
def test_cancel_after_the_answer(federation: Federation) -> None:
    """A CANCEL that comes after the final answer has no effect on the conversation."""
    session = HeldSession(federation, federation.partner(), acknowledged=False)
    via = next(line for line in session.first.decode().split("\r\n") if line.startswith("Via:"))
    target = session.first.decode().partition(" SIP/2.0")[0].removeprefix("INVITE ")

    session.wire.send(
        session.request(
            "CANCEL",
            cseq=1,
            instead={
                "Request-Line": f"CANCEL {target} SIP/2.0",
                "Via": via,
                "To": "To: <sip:alice@{server}>",
                "Contact": None,
            },
        )
    )

    must_be(session.wire.expect_answer("CANCEL"), 200, 481, what="a CANCEL that comes after the final answer")
    session.wire.send(session.request("ACK", instead={"CSeq": "CSeq: 1 ACK"}))
    session.must_go_on()


@scenario(level="must", sources=("R2", "RFC 3261 §18.2.2", "RFC 3261 §17.2.4"), needs=TALKED_TO)
@cases(
    "phase",
    Case("invite", words="its INVITE"),
    Case("ack", words="its ACK"),
    Case("message", words="a message"),
    Case("bye", words="its BYE"),
)
def test_connection_that_ends_in_a_conversation(federation: Federation, phase: str) -> None:
    """When the partner's connection ends right after {phase}, nothing comes twice, and the next conversation passes."""
    partner, alice = federation.partner(), federation.sut.user("alice")
    alice.ignores_messages()

    if phase == "invite":
        wire = partner.edge.wire()
        wire.send(by_hand(federation, partner, "INVITE", body=SDP, content_type=SDP_TYPE))
    else:
        session = HeldSession(federation, partner, acknowledged=False)
        wire = session.wire
        wire.send(session.request("ACK", instead={"CSeq": "CSeq: 1 ACK"}))
        if phase != "ack":
            wire.send(session.request(phase.upper(), body="cut off" if phase == "message" else ""))
    wire.close()

    status = HeldSession(federation, partner).ask("MESSAGE", body="afterwards").status
    assert status == 200, f"the message of the next conversation was answered {status}"
    got = [message.text for message in alice.messages]
    assert got.count("afterwards") == 1, f"what arrived is {got}"
    assert got.count("cut off") <= 1, f"what arrived is {got}"


# -- subscriptions ------------------------------------------------------------------------------------------------


@scenario(level="must", sources=("R1", "RFC 3261 §18.2.2", "RFC 6665 §4.2.2"), needs=WATCHED)
@cases(
    "phase",
    Case("subscribe", words="its SUBSCRIBE"),
    Case("refresh", words="a refresh"),
    Case("end", words="the end of a subscription"),
)
def test_connection_that_ends_in_a_subscription(federation: Federation, phase: str) -> None:
    """When the partner's connection ends right after {phase}, whoever subscribes anew is notified."""
    partner = federation.partner()

    arrivals = partner.edge.answers("NOTIFY", 200, admitted=True)
    if phase == "subscribe":
        wire = partner.edge.wire()
        wire.send(by_hand(federation, partner, "SUBSCRIBE", sender="berta", more=ASKING))
    else:
        first = HeldSubscription(federation, partner, arrivals=arrivals)
        first.notified()
        wire = first.wire
        wire.send(first.request("SUBSCRIBE", more=ASKING if phase == "refresh" else ("Event: presence", "Expires: 0")))
    wire.close()

    HeldSubscription(federation, partner, arrivals=arrivals).notified()


@scenario(level="must", sources=("F0.2", "dialect §2.3"), needs=WATCHED)
@cases("owner", *CLAIMS)
@cases(
    "change",
    Case("end", ("Event: presence", "Expires: 0"), words="ends it"),
    Case("redirect", ASKING, words="has it notified elsewhere"),
)
def test_subscription_is_its_owners(federation: Federation, change: tuple[str, ...], owner: bool) -> None:
    """Another partner that knows a subscription's tags and {change} is refused, and the owner is notified as before."""
    partner, intruder = federation.partner(), federation.partner()
    subscription = HeldSubscription(federation, partner)
    subscription.notified()

    elsewhere: dict[str, str | None] = {"Contact": f"Contact: <sip:eve@{intruder.domain};transport=tls>"}
    answer = _intrude(federation, subscription, intruder, "SUBSCRIBE", owner, more=change, instead=elsewhere)

    if answer.status < 400:
        raise ExpectationFailed(f"{intruder} changed a subscription of {partner}: it was answered {said(answer)}.")
    refreshed = subscription.ask("SUBSCRIBE", more=ASKING)
    must_be(refreshed, 200, what="the owner's refresh, after an intruder's,")
    state = subscription.notified().subscription_state
    assert state is not None, "the notification has no Subscription-State"
    assert state.state == "active", f"the owner's subscription is {state.state}"


@scenario(level="must", sources=("R1",), needs=WATCHED)
@cases("judge", *PARTS)
def test_notification_has(federation: Federation, judge: Judge) -> None:
    """A notification has {judge}."""
    from simulator.sip.message import Request, parse

    partner = federation.partner()
    route = "Record-Route: <sip:{edge};transport=tls;opaque=state:F:Ci.R1f00;lr;ms-route-sig=aaBBccDD00>"

    subscription = HeldSubscription(federation, partner, more=(*ASKING, route))
    notify = subscription.notified()

    subscribe = parse(subscription.first)
    assert isinstance(subscribe, Request)
    wrong = judge(Notified(subscribe, subscription.answer, notify))
    if wrong:
        raise ExpectationFailed(f"The notification for {partner} is not in order: {wrong}.")


@scenario(level="must", sources=("RFC 3261 §12.2.1.1", "RFC 6665 §4.2.2"), needs=WATCHED)
def test_notifications_are_numbered(federation: Federation) -> None:
    """Each notification of a subscription has a higher CSeq than the one before."""
    subscription = HeldSubscription(federation, federation.partner())
    numbers = [subscription.notified().cseq.number]

    for _ in range(3):
        subscription.ask("SUBSCRIBE", more=ASKING)
        numbers.append(subscription.notified().cseq.number)

    assert numbers == sorted(set(numbers)), (
        f"each notification must have a higher number than the one before, but they have the CSeq numbers {numbers}"
    )


@scenario(level="must", sources=("RFC 6665 §4.2.1",), needs=WATCHED)
@cases("headers", *TAKEN)
def test_subscription_that_is_taken(federation: Federation, headers: tuple[str, ...]) -> None:
    """A SUBSCRIBE {headers} is taken and notified, with the Event as it was, and a time that the 200 names."""
    from simulator.sip.fields import EventHeader

    subscription = HeldSubscription(federation, federation.partner(), more=headers)

    event = subscription.notified().event
    assert subscription.answer.expires, "the 200 to SUBSCRIBE names no time"
    wanted = EventHeader.parse(headers[0].partition(": ")[2])
    assert event is not None, "the notification has no Event"
    assert (event.package, event.id) == (wanted.package, wanted.id), (
        f"the watcher asked for {headers[0]}, but the Event of its notification is {event}: the id must be as it was"
    )


@scenario(level="must", sources=("RFC 6665 §4.2.1",), needs=WATCHED)
@cases("headers, statuses", *NOT_TAKEN)
def test_subscription_that_is_not_taken(federation: Federation, headers: tuple[str, ...], statuses: set[int]) -> None:
    """A SUBSCRIBE {headers} is refused with the status that says why, and one in order is served after it."""
    partner = federation.partner()

    subscription = HeldSubscription(federation, partner, more=headers)

    must_be(subscription.answer, *statuses, what="this SUBSCRIBE")
    HeldSubscription(federation, partner, beside=subscription).notified()


@scenario(level="must", sources=("RFC 6665 §4.2.2",), needs=WATCHED)
@cases("status", *REFUSING_NOTIFICATIONS)
def test_notification_that_is_refused(federation: Federation, status: int) -> None:
    """A notification that is answered {status} is not sent again and again, and who asks again is notified."""
    partner = federation.partner()

    refused = HeldSubscription(federation, partner, status=status)
    refused.notified()
    HeldSubscription(federation, federation.partner()).notified()  # what would follow at once has come by now

    tries = len(refused.notifications)
    assert tries <= 2, f"answered {status}, the server sent {tries} notifications where one was owed"
    HeldSubscription(federation, partner, beside=refused).notified()


@scenario(level="must", sources=("RFC 3261 §12.2.1.2", "RFC 6665 §4.1.2.2"), needs=WATCHED)
def test_watcher_that_moves(federation: Federation) -> None:
    """After a refresh with another Contact the notifications go to that one."""
    partner = federation.partner()
    subscription = HeldSubscription(federation, partner)
    subscription.notified()

    moved = f"sip:bob@{partner.edge.fqdn}:{partner.edge.port};transport=tls;opaque=second"
    subscription.ask("SUBSCRIBE", more=ASKING, instead={"Contact": f"Contact: <{moved}>"})

    target = subscription.notified().uri
    assert target == moved, f"the watcher has moved to {moved}, but is notified at {target}"


@scenario(level="must", sources=("RFC 3261 §12.2.2",), needs=WATCHED)
def test_refresh_out_of_order(federation: Federation) -> None:
    """A refresh whose CSeq is lower than one before is refused with 500, and the next one is notified."""
    subscription = HeldSubscription(federation, federation.partner())
    subscription.notified()
    subscription.ask("SUBSCRIBE", cseq=10, more=ASKING)
    subscription.notified()

    answer = subscription.ask("SUBSCRIBE", cseq=9, more=ASKING)

    must_be(answer, 500, what="a SUBSCRIBE whose CSeq is 9, after one with 10,")
    must_be(subscription.ask("SUBSCRIBE", cseq=11, more=ASKING), 200, what="the refresh after one out of order")
    subscription.notified()


@scenario(level="must", sources=("RFC 6665 §4.5.2", "RFC 3261 §12"), needs=WATCHED)
def test_two_subscriptions_of_one_watcher(federation: Federation) -> None:
    """A watcher who subscribes from two places has two subscriptions: the end of one leaves the other."""
    partner = federation.partner()
    one = HeldSubscription(federation, partner)
    other = HeldSubscription(federation, partner, beside=one)
    one.notified()
    other.notified()

    must_be(one.ask("SUBSCRIBE", more=("Event: presence", "Expires: 0")), 200, what="the end of one subscription")
    one.notified()

    must_be(other.ask("SUBSCRIBE", more=ASKING), 200, what="the refresh of a second subscription, which goes on,")
    other.notified()


@scenario(level="must", sources=("RFC 6665 §4.2.1.2",), needs=WATCHED)
def test_refresh_after_the_end(federation: Federation) -> None:
    """A subscription that was ended cannot be prolonged: the refresh is answered with 481."""
    subscription = HeldSubscription(federation, federation.partner())
    subscription.notified()
    must_be(
        subscription.ask("SUBSCRIBE", more=("Event: presence", "Expires: 0")), 200, what="the end of a subscription"
    )
    state = subscription.notified().subscription_state
    assert state is not None, "the last notification has no Subscription-State"
    assert state.state == "terminated", f"the last notification says {state.state}"

    must_be(subscription.ask("SUBSCRIBE", more=ASKING), 481, what="the refresh of a subscription that is over")


# -- steps --------------------------------------------------------------------------------------------------------


def _intrude(
    federation: Federation,
    dialog: HeldSession | HeldSubscription,
    intruder: Partner,
    method: str,
    owner: bool,
    *,
    more: tuple[str, ...] = (),
    instead: dict[str, str | None] | None = None,
    body: str = "",
) -> Response:
    """Send a request of the dialog over a connection of the intruder; its final answer."""
    wire = intruder.edge.wire()
    wire.send(by_hand(federation, intruder))
    wire.expect_answer("OPTIONS")  # by now it is known as itself
    own = {} if owner else {"From": f"From: <sip:eve@{intruder.domain}>;tag=held"}
    lines = {**own, **(instead or {})}
    return dialog.ask(method, on=wire, of=intruder, more=more, instead=lines, body=body)
