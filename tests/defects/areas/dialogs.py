"""Faults in how the server holds conversations and subscriptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.defects.frame import defect
from tests.defects.server import break_server, is_server


class Anybody:
    """A domain that is every domain."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return True


# -- whose they are -----------------------------------------------------------------------------------------------


@defect(
    caught_by=("dialogs/conversation-is-its-owners[*-as-itself]", "dialogs/subscription-is-its-owners[*-as-itself]"),
    says=("in a conversation of", "changed a subscription of"),
)
def takes_tags_for_proof(patch: pytest.MonkeyPatch) -> None:
    """Who knows the tags of a dialog may speak in it."""
    from simulator.io import reception

    patch.setattr(reception, "domain_of_user", lambda _aor: Anybody())


@defect(
    caught_by=("dialogs/conversation-is-its-owners[*-as-the-owner]", "dialogs/subscription-is-its-owners[*-the-owner]"),
    also=("names", "trust", "robustness", "routes", "discovery", "policy"),
    says=("in a conversation of",),
)
def believes_whom_it_knows(patch: pytest.MonkeyPatch) -> None:
    """On a connection on which one domain was proven, every other is believed as well."""
    from simulator.io.admission import Admission

    examine = Admission._examine

    def trusting(self: Any, link: Any, transaction: Any, request: Any) -> None:
        if is_server(self) and self._vouched.get(link):
            self._agent.reception.take(link, transaction, request)
        else:
            examine(self, link, transaction, request)

    patch.setattr(Admission, "_examine", trusting)


# -- conversations ------------------------------------------------------------------------------------------------


@defect(caught_by=("dialogs/request-in-a-conversation[video]",), says=("with 415 or 488",))
def takes_video_in_a_chat(patch: pytest.MonkeyPatch) -> None:
    """A chat that the partner makes a video call of is confirmed."""
    from simulator.io import chat_session

    patch.setattr(chat_session, "_no_chat", lambda _request: None)


@defect(
    caught_by=("dialogs/request-in-a-conversation[unknown-option]",),
    says=("with 420, but",),
)
def requires_nothing_inside(patch: pytest.MonkeyPatch) -> None:
    """What a request in a dialog requires is not looked at."""
    from simulator.io import reception

    sound = vars(reception)["bad_extension"]

    def lax(request: Any, *known: Any, **named: Any) -> Any:
        return sound(request, *known, **named) if request.to.tag is None else None

    patch.setattr(reception, "bad_extension", lax)


@defect(
    caught_by=("dialogs/request-in-a-conversation[unknown-method]", "dialogs/request-in-a-conversation[unknown-info]"),
    also=("robustness", "chat"),
)
def ends_what_it_does_not_know(patch: pytest.MonkeyPatch) -> None:
    """A request that is not known ends the conversation."""
    from simulator.io.user_agent import UserAgent

    def strict(_sound: Any, self: Any, link: Any, transaction: Any) -> None:
        self.dialogs.clear()
        self.respond(link, transaction, 500)

    break_server(patch, UserAgent, "not_allowed", strict)
    from simulator.io.chats import Chats

    take_body = Chats.take_body

    def strict_body(self: Any, link: Any, transaction: Any, account: Any) -> None:
        if is_server(self) and transaction.request.method == "INFO":
            self._agent.not_allowed(link, transaction)
        else:
            take_body(self, link, transaction, account)

    patch.setattr(Chats, "take_body", strict_body)


def judges_order(patch: pytest.MonkeyPatch, judged: Callable[[Any, Any], Any]) -> None:
    """Let `judged(dialog, request)` answer what is out of order, where it is not None."""
    from simulator.sip.dialog import Dialog

    receive = Dialog.receive

    def odd(self: Any, request: Any) -> Any:
        found = judged(self, request)
        return found if found is not None else receive(self, request)

    patch.setattr(Dialog, "receive", odd)


@defect(
    caught_by=("dialogs/message-out-of-order", "dialogs/refresh-out-of-order"),
    says=("whose CSeq is 9, after one with 10, with 500",),
)
def takes_any_order(patch: pytest.MonkeyPatch) -> None:
    """The order of requests in a dialog is not looked at."""

    def forget(dialog: Any, _request: Any) -> None:
        dialog.remote_cseq = None

    judges_order(patch, forget)


@defect(caught_by=("dialogs/gap-in-the-order",), also=("policy/more-messages-than-*",), says=("which is no mistake",))
def wants_every_number(patch: pytest.MonkeyPatch) -> None:
    """A request whose CSeq is not the next number is refused."""

    def next_only(dialog: Any, request: Any) -> Any:
        last = dialog.remote_cseq
        return request.respond(500) if last is not None and request.cseq.number > last + 10 else None

    judges_order(patch, next_only)


@defect(caught_by=("dialogs/message-that-comes-again-as-it-was",), also=("chat", "robustness"))
def takes_repetitions_for_new(patch: pytest.MonkeyPatch) -> None:
    """A message that comes once more as it was is shown once more."""
    from simulator.sip.connection import SipConnection
    from simulator.sip.events import RequestReceived

    def again(self: Any, transaction: Any) -> None:
        self._events.append(RequestReceived(transaction.request, transaction, at=self._now))

    patch.setattr(SipConnection, "_take_again", again)
    takes_any_order.apply(patch)


@defect(caught_by=("dialogs/after-the-end-of-a-conversation[*]",), also=("chat", "resilience"))
def talks_on_after_the_end(patch: pytest.MonkeyPatch) -> None:
    """A conversation that the partner has ended lives on."""
    from simulator.io.chat_session import ChatSession
    from simulator.sip.session import Session

    patch.setattr(Session, "_answer_bye", lambda _self, request, _now: request.respond(200))
    patch.setattr(ChatSession, "_drop", lambda _self, _because: None)


@defect(caught_by=("dialogs/end-before-the-ack",), also=("chat", "resilience"), says=("without an ACK before",))
def ends_nothing_without_its_ack(patch: pytest.MonkeyPatch) -> None:
    """A BYE before the ACK is refused."""
    from simulator.sip.session import Session

    answer = Session._answer_bye

    def patient(self: Any, request: Any, now: float) -> Any:
        return request.respond(500) if self._unacked is not None else answer(self, request, now)

    patch.setattr(Session, "_answer_bye", patient)


@defect(caught_by=("dialogs/cancel-after-the-answer",), also=("chat", "robustness"))
def cancels_what_was_accepted(patch: pytest.MonkeyPatch) -> None:
    """A CANCEL ends a conversation that has begun."""
    from simulator.io.user_agent import UserAgent
    from simulator.sip.connection import SipConnection

    agents: list[Any] = []
    on_request = UserAgent.on_request

    def remember(self: Any, link: Any, transaction: Any, request: Any) -> None:
        if is_server(self) and self not in agents:
            agents.append(self)
        on_request(self, link, transaction, request)

    patch.setattr(UserAgent, "on_request", remember)
    answer = SipConnection._take_cancel

    def eager(self: Any, *arguments: Any) -> None:
        answer(self, *arguments)
        for agent in agents:
            agent.dialogs.clear()

    patch.setattr(SipConnection, "_take_cancel", eager)


# -- subscriptions ------------------------------------------------------------------------------------------------


def garbles_notifications(patch: pytest.MonkeyPatch, change: Callable[[Any], None]) -> None:
    """Change every NOTIFY of the server before it goes out."""
    from simulator.io.user_agent import UserAgent

    async def garbled(sound: Any, self: Any, remote: str, request: Any) -> Any:
        if request.method == "NOTIFY":
            change(request)
        return await sound(self, remote, request)

    break_server(patch, UserAgent, "exchange", garbled)


OTHERS = ("presence", "policy", "resilience", "robustness", "licensing", "certificates", "routes", "dialogs")
"Where else a NOTIFY is looked at, which is then not what a partner takes."


@defect(caught_by=("dialogs/notification-has[event]",), also=OTHERS, says=("its Event is",))
def notifies_of_another_event(patch: pytest.MonkeyPatch) -> None:
    """Notifications name another event than the one subscribed to."""
    garbles_notifications(patch, lambda notify: notify.headers.set("Event", "presence.winfo"))


@defect(caught_by=("dialogs/notification-has[state]",), also=OTHERS, says=("its Subscription-State is",))
def leaves_the_state_out(patch: pytest.MonkeyPatch) -> None:
    """Notifications do not say in which state the subscription is."""
    garbles_notifications(patch, lambda notify: notify.headers.remove("Subscription-State"))


@defect(caught_by=("dialogs/notification-has[time-left]",), also=OTHERS, says=("s are left",))
def promises_more_time(patch: pytest.MonkeyPatch) -> None:
    """Notifications say that a day is left, whatever was granted."""
    garbles_notifications(patch, lambda notify: notify.headers.set("Subscription-State", "active;expires=86400"))


@defect(caught_by=("dialogs/notification-has[target]", "dialogs/watcher-that-moves"), also=OTHERS)
def notifies_the_address_of_record(patch: pytest.MonkeyPatch) -> None:
    """Notifications go to the watcher's address, and not to the Contact."""

    def change(notify: Any) -> None:
        notify.uri = notify.to.parsed_uri.aor

    garbles_notifications(patch, change)


@defect(caught_by=("dialogs/notification-has[tags]",), also=OTHERS, says=("its tags are",))
def notifies_outside_of_the_dialog(patch: pytest.MonkeyPatch) -> None:
    """Notifications carry a tag that nobody knows."""

    def change(notify: Any) -> None:
        notify.headers.set("From", f"<{notify.from_.uri}>;tag=another")

    garbles_notifications(patch, change)


@defect(caught_by=("dialogs/notification-has[routes]",), also=OTHERS, says=("its Route is",))
def notifies_by_no_route(patch: pytest.MonkeyPatch) -> None:
    """Notifications leave the partner's route set out."""
    garbles_notifications(patch, lambda notify: notify.headers.remove("Route"))


@defect(caught_by=("dialogs/notification-has[contact]",), also=OTHERS, says=("it has no Contact",))
def leaves_its_contact_out(patch: pytest.MonkeyPatch) -> None:
    """Notifications do not say where the server can be reached."""
    garbles_notifications(patch, lambda notify: notify.headers.remove("Contact"))


@defect(caught_by=("dialogs/notification-has[body]",), also=OTHERS, says=("is no PIDF about",))
def notifies_of_nobody(patch: pytest.MonkeyPatch) -> None:
    """Notifications are empty."""

    def change(notify: Any) -> None:
        notify.body = b""
        notify.headers.remove("Content-Type")
        notify.headers.set("Content-Length", "0")

    garbles_notifications(patch, change)


@defect(caught_by=("dialogs/notifications-are-numbered",), also=OTHERS, says=("have the CSeq numbers [1, 1",))
def numbers_no_notifications(patch: pytest.MonkeyPatch) -> None:
    """Every notification is the first."""
    garbles_notifications(patch, lambda notify: notify.headers.set("CSeq", "1 NOTIFY"))


@defect(caught_by=("dialogs/subscription-that-is-taken[event-with-id]",), says=("asked for Event: presence;id=abc7",))
def forgets_the_id_of_an_event(patch: pytest.MonkeyPatch) -> None:
    """Notifications leave the id of the event out."""
    garbles_notifications(patch, lambda notify: notify.headers.set("Event", "presence"))


@defect(
    caught_by=("dialogs/subscription-that-is-taken[no-accept]", "dialogs/subscription-that-is-taken[accept-with*]"),
    also=("presence",),
    says=("must be accepted, but was answered 406",),
)
def wants_one_format_by_name(patch: pytest.MonkeyPatch) -> None:
    """A watcher whose Accept is not the plain name of a format is refused."""
    from simulator.io import watches

    choose = vars(watches)["choose_form"]

    def strict(request: Any, dialect: Any) -> Any:
        accept = request.headers.values("Accept")
        return choose(request, dialect) if accept and all(";q=" not in one for one in accept) else None

    patch.setattr(watches, "choose_form", strict)


@defect(caught_by=("dialogs/subscription-that-is-not-taken[other-formats]",), also=("presence",))
def writes_what_nobody_takes(patch: pytest.MonkeyPatch) -> None:
    """A watcher gets PIDF, whatever its Accept names."""
    from simulator.io import watches
    from simulator.io.documents import Form

    choose = vars(watches)["choose_form"]
    patch.setattr(
        watches, "choose_form", lambda request, dialect: choose(request, dialect) or Form("application/pidf+xml")
    )


@defect(
    caught_by=("dialogs/subscription-that-is-not-taken[no-number]", "dialogs/subscription-that-is-not-taken[negative]"),
    also=("robustness",),
)
def reads_any_time(patch: pytest.MonkeyPatch) -> None:
    """A time that is no number means an hour."""
    from simulator.errors import RemoteProtocolError
    from simulator.sip.message import Request

    view = Request.expires

    def lenient(self: Any) -> Any:
        try:
            return view.__get__(self, Request)
        except RemoteProtocolError:
            return 3600

    patch.setattr(Request, "expires", property(lenient))


@defect(
    caught_by=("dialogs/notification-that-is-refused[403]", "dialogs/notification-that-is-refused[503]"),
    also=OTHERS,
    says=("notifications where one was owed",),
)
def repeats_refused_notifications(patch: pytest.MonkeyPatch) -> None:
    """A notification that is refused is sent five times."""
    from simulator.io.user_agent import UserAgent

    async def stubborn(sound: Any, self: Any, remote: str, request: Any) -> Any:
        answer = await sound(self, remote, request)
        for _ in range(4 if request.method == "NOTIFY" and answer.status >= 300 else 0):
            answer = await sound(self, remote, request)
        return answer

    break_server(patch, UserAgent, "exchange", stubborn)


@defect(caught_by=("dialogs/two-subscriptions-of-one-watcher",), also=("presence",))
def ends_all_subscriptions_with_one(patch: pytest.MonkeyPatch) -> None:
    """Who ends one subscription has ended all."""
    from simulator.io.watched import Watched

    drop = Watched._drop

    def thorough(self: Any) -> None:
        drop(self)
        for other in tuple(self._agent.watches._watched):
            if other.watcher == self.watcher:
                drop(other)

    patch.setattr(Watched, "_drop", thorough)


@defect(caught_by=("dialogs/refresh-after-the-end",), also=("presence",), says=("a subscription that is over",))
def revives_what_has_ended(patch: pytest.MonkeyPatch) -> None:
    """The refresh of a subscription that has ended is confirmed."""
    from simulator.io.watched import Watched

    on_request = Watched.on_request

    def forgiving(self: Any, link: Any, transaction: Any, request: Any) -> None:
        if self.usage.ended:
            self._agent.send_response(link, transaction, request.respond(200))
        else:
            on_request(self, link, transaction, request)

    patch.setattr(Watched, "on_request", forgiving)
    patch.setattr(Watched, "_drop", lambda _self: None)


@defect(
    caught_by=(
        "dialogs/connection-that-ends-in-a-conversation[*]",
        "dialogs/connection-that-ends-in-a-subscription[*]",
    ),
    also=(
        "resilience",
        "chat",
        "presence",
        "robustness",
        "discovery",
        "names",
        "trust",
        "policy",
        "routes",
        "certificates",
    ),
)
def bears_a_grudge(patch: pytest.MonkeyPatch) -> None:
    """A partner whose connection has ended is refused from then on."""
    from simulator.io.account import Refusal
    from simulator.io.admission import Admission
    from simulator.io.user_agent import UserAgent

    gone: set[str] = set()
    on_closed, examine = UserAgent.on_closed, Admission._examine

    def remember(self: Any, link: Any) -> None:
        on_closed(self, link)
        if is_server(self) and not link.outgoing:
            gone.update(link.peer_names)

    def resentful(self: Any, link: Any, transaction: Any, request: Any) -> None:
        if is_server(self) and gone.intersection(link.peer_names):
            self._agent.refuse(link, transaction, Refusal(503, "Service Unavailable", "it has hung up before"))
        else:
            examine(self, link, transaction, request)

    patch.setattr(UserAgent, "on_closed", remember)
    patch.setattr(Admission, "_examine", resentful)
