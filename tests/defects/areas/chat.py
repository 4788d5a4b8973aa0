"""Faults in the chats of the server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.connect_server.dialect import DIALECT
from tests.defects.frame import defect
from tests.defects.server import break_server


def garble(patch: pytest.MonkeyPatch, change: Any) -> None:
    """Show every text that reaches a user of the server as `change(message)`."""
    from simulator.io.chats import Chats

    def garbled(sound: Any, self: Any, link: Any, transaction: Any, account: Any) -> None:
        before = len(account.inbox)
        sound(self, link, transaction, account)
        inbox = account.inbox
        if len(inbox) > before:
            inbox._items[-1] = garbled_one = replace(inbox._items[-1], text=change(inbox._items[-1]))
            inbox._untaken[max(inbox._untaken)] = garbled_one

    break_server(patch, Chats, "take_body", garbled)


@defect(
    caught_by=("chat/text-from-the-partner[umlauts]", "chat/text-from-other-products[umlauts-generic]"),
    also=("robustness/message-in-pieces",),
    says=("Grüße",),
)
def reads_latin_1(patch: pytest.MonkeyPatch) -> None:
    """The server reads texts as Latin-1 although they say UTF-8."""
    garble(patch, lambda message: message.text.encode().decode("latin-1"))


@defect(caught_by=("chat/text-to-the-partner[emoji]", "chat/text-to-the-partner[right-to-left]"))
def writes_latin_1(patch: pytest.MonkeyPatch) -> None:
    """The server writes texts in Latin-1 and a question mark for what is not in it."""
    from simulator.io.chat_session import ChatSession

    async def poor(sound: Any, self: Any, message: str, form: Any = None) -> Any:
        return await sound(self, message.encode("latin-1", "replace").decode("latin-1"), form)

    break_server(patch, ChatSession, "send", poor)


@defect(caught_by=("chat/text-from-the-partner[100-kB]",))
def cuts_long_texts(patch: pytest.MonkeyPatch) -> None:
    """The server confirms a long text and shows its first 64 kB."""
    garble(patch, lambda message: message.text[:65_535])


@defect(caught_by=("chat/text-from-the-partner[decomposed]",), says=("decomposed",))
def normalizes_texts(patch: pytest.MonkeyPatch) -> None:
    """The server puts letters and accents together that were written apart."""
    import unicodedata

    garble(patch, lambda message: unicodedata.normalize("NFC", message.text))


@defect(caught_by=("chat/form-of-a-text[*html*]", "chat/form-of-a-text[*alternative*]"), says=("but reads",))
def shows_markup(patch: pytest.MonkeyPatch) -> None:
    """The server shows a text that came as HTML with its tags."""

    def marked(message: Any) -> str:
        formatted = message.content_type in ("text/html", "multipart/alternative")
        return f"<SPAN>{message.text}</SPAN>" if formatted else message.text

    garble(patch, marked)


@defect(caught_by=("chat/long-first-text[longest-in-an-invite]",))
def cuts_the_text_of_an_invite(patch: pytest.MonkeyPatch) -> None:
    """The server reads texts in an INVITE, and confirms more than its 4000 characters of a header hold."""
    from simulator.chat.first_message import read_first_message
    from simulator.connect_server import server

    patch.setattr(server, "DIALECT", replace(DIALECT, consumes=True))

    def cut(*arguments: Any, **named: Any) -> Any:
        body = read_first_message(*arguments, **named)
        return None if body is None else replace(body, text=body.text[:4000])

    patch.setattr("simulator.chat.invitation.read_first_message", cut)


@defect(
    caught_by=("chat/session-that-the-partner-has-lost",),
    also=("discovery/partner-that-moved*",),
    says=("failed in phase 'message' with 481",),
)
def gives_up_on_481(patch: pytest.MonkeyPatch) -> None:
    """The server opens no new session when the partner has lost the old one."""
    from simulator.io.chats import Chats

    async def meek(_sound: Any, self: Any, account: Any, remote: str, message: str, form: Any = None) -> Any:
        session = self.session_with(account, remote)
        if session is None:
            opened = await self._opened(account, remote, None)
            if not hasattr(opened, "send"):
                return opened
            session = opened
        return await session.send(message, form)

    break_server(patch, Chats, "send", meek)


@defect(
    caught_by=("chat/session-that-the-partner-has-lost",),
    also=(
        "policy/answer-to-an-unverified-sender",
        "discovery/partner-that-moved*",
        "resilience/partner-that-restarts-*",
    ),
    says=("'two' came 2 times",),
)
def sends_twice_after_481(patch: pytest.MonkeyPatch) -> None:
    """The server sends a message that was answered with 481 in the new session, and once more to be sure."""
    from simulator.io.chat_session import GONE, ChatSession
    from simulator.io.chats import Chats

    async def eager(sound: Any, self: Any, account: Any, remote: str, message: str, form: Any = None) -> Any:
        seen: list[int | None] = []
        send = ChatSession.send

        async def noted(session: Any, *arguments: Any) -> Any:
            outcome = await send(session, *arguments)
            seen.append(outcome.status)
            return outcome

        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(ChatSession, "send", noted)
            outcome = await sound(self, account, remote, message, form)
        if set(seen) & GONE:
            outcome = await sound(self, account, remote, message, form)
        return outcome

    break_server(patch, Chats, "send", eager)


@defect(
    caught_by=("chat/new-session-replaces-the-old", "chat/conversation-that-is-open-already"),
    also=("resilience/partner-that-restarts-*", "dialogs"),
    says=("486 Busy Here",),
)
def refuses_a_second_session(patch: pytest.MonkeyPatch) -> None:
    """The server answers 486 to a caller with whom a session is open already."""
    from simulator.io.chats import Chats

    def busy(sound: Any, self: Any, link: Any, transaction: Any, request: Any) -> None:
        caller, callee = request.from_.parsed_uri.aor, request.to.parsed_uri.aor
        if self._sessions.get((callee, caller)) is not None and b"m=message" in request.body:
            self._agent.respond(link, transaction, 486)
        else:
            sound(self, link, transaction, request)

    break_server(patch, Chats, "on_invite", busy)


@defect(
    caught_by=("chat/declined-invitation[600]", "chat/declined-invitation[603]"),
    also=("policy/message-that-is-filtered",),
    says=("Expected a failure with",),
)
def takes_6xx_for_delivered(patch: pytest.MonkeyPatch) -> None:
    """The server tells the sender that a text was delivered which the partner's user has declined with 6xx."""
    from simulator.io.chats import Chats

    async def optimistic(sound: Any, self: Any, *arguments: Any) -> Any:
        outcome = await sound(self, *arguments)
        return replace(outcome, delivered=outcome.delivered or (outcome.status or 0) >= 600)

    break_server(patch, Chats, "send", optimistic)


@defect(caught_by=("chat/declined-invitation[486]",), also=("policy",))
def calls_again_when_busy(patch: pytest.MonkeyPatch) -> None:
    """The server calls again at once, and again, when the partner's user is busy (486)."""
    from simulator.io.chats import Chats

    async def nagging(sound: Any, self: Any, *arguments: Any) -> Any:
        for _ in range(3):
            outcome = await sound(self, *arguments)
            if outcome.status != 486:
                break
        return outcome

    break_server(patch, Chats, "send", nagging)


@defect(
    caught_by=("chat/somebody-who-comes-back", "chat/declined-invitation[480]"),
    also=("policy/answer-to-an-unverified-sender",),
    says=("480",),
)
def remembers_who_was_away(patch: pytest.MonkeyPatch) -> None:
    """The server sends nothing more to somebody who was once not signed in."""
    from simulator.io.chats import Chats
    from simulator.outcome import Outcome

    away: set[str] = set()

    async def resentful(sound: Any, self: Any, account: Any, remote: str, *arguments: Any) -> Any:
        if remote in away:
            return Outcome(False, 480, "Temporarily Unavailable", "policy")
        outcome = await sound(self, account, remote, *arguments)
        if outcome.status == 480:
            away.add(remote)
        return outcome

    break_server(patch, Chats, "send", resentful)


@defect(
    caught_by=("chat/everybody-gets-their-own",),
    also=("resilience/many-messages-*", "dialogs"),
    says=("sip:alice@acme.test",),
)
def one_session_for_all_users(patch: pytest.MonkeyPatch) -> None:
    """The server sends what one user writes in the session that another user has with the same person."""
    from simulator.io.chats import Chats

    def any_session(sound: Any, self: Any, account: Any, remote: str) -> Any:
        others = [session for (_, other), session in self._sessions.items() if other == remote and session.usable]
        return others[0] if others else sound(self, account, remote)

    break_server(patch, Chats, "session_with", any_session)


@defect(
    caught_by=("chat/typing-is-no-message[sfb-2019]", "chat/typing-is-shown[sfb-2019]"),
    also=("dialogs/request-in-a-conversation[unknown-info]",),
    says=("405",),
)
def knows_no_info(patch: pytest.MonkeyPatch) -> None:
    """The server answers 405 to the INFO with which Skype for Business says that somebody types."""
    from simulator.io.chat_session import ChatSession

    def strict(sound: Any, self: Any, link: Any, transaction: Any, request: Any) -> None:
        if request.method == "INFO":
            self._agent.not_allowed(link, transaction)
        else:
            sound(self, link, transaction, request)

    break_server(patch, ChatSession, "on_request", strict)


@defect(caught_by=("chat/typing-is-no-message[generic]",), says=("<isComposing",))
def shows_typing_as_a_message(patch: pytest.MonkeyPatch) -> None:
    """The server shows the XML with which a partner says that somebody types."""
    from simulator.io.account import TextMessage
    from simulator.io.chats import Chats

    def literal(sound: Any, self: Any, link: Any, transaction: Any, account: Any) -> None:
        request = transaction.request
        if request.content_type == "application/im-iscomposing+xml":
            sender = request.from_.parsed_uri.aor
            text = request.body.decode().partition("?>")[2].strip() or request.body.decode()
            account.inbox.put(TextMessage(text, sender, "text/plain", self._agent.now))
            self._agent.respond(link, transaction, 200)
        else:
            sound(self, link, transaction, account)

    break_server(patch, Chats, "take_body", literal)


@defect(caught_by=("chat/typing-is-told[sfb-2019]", "chat/typing-is-told[generic]"))
def tells_nobody_who_types(patch: pytest.MonkeyPatch) -> None:
    """The server says that it has told the partner who types, and sends nothing."""
    from simulator.io.chats import Chats
    from simulator.outcome import Outcome

    async def silent(_sound: Any, _self: Any, *_arguments: Any) -> Outcome:
        return Outcome(True, 200, "OK", "info")

    break_server(patch, Chats, "tell_typing", silent)


@defect(
    caught_by=("chat/what-is-no-chat-of-two[audio]", "chat/what-is-no-chat-of-two[video]"),
    says=("Expected a failure in phase 'invite'",),
)
def accepts_sound(patch: pytest.MonkeyPatch) -> None:
    """The server takes an invitation to a call for one to a chat."""
    from simulator.io.chats import Chats

    def deaf(sound: Any, self: Any, link: Any, transaction: Any, request: Any) -> None:
        if b"m=audio" in request.body:
            request.headers.set("Content-Type", "application/sdp")
            request.body = self._agent.writer.im_description()[1]
        sound(self, link, transaction, request)

    break_server(patch, Chats, "on_invite", deaf)


@defect(caught_by=("chat/session-timer[partner]",), also=("dialogs",), says=("a refresh was answered 481",))
def refuses_session_refreshes(patch: pytest.MonkeyPatch) -> None:
    """The server answers 481 when the session is refreshed (RFC 4028), and does not refresh it either."""
    from simulator.io.chat_session import ChatSession

    def lost(sound: Any, self: Any, link: Any, transaction: Any, request: Any) -> None:
        if request.method in ("UPDATE", "INVITE"):
            self._agent.respond(link, transaction, 481)
        else:
            sound(self, link, transaction, request)

    break_server(patch, ChatSession, "on_request", lost)
    break_server(patch, ChatSession, "_on_timeout", lambda _sound, _self: None)


@defect(
    caught_by=("chat/route-set-comes-back-unchanged",),
    also=("policy/listed-partner-has-no-limit",),
    says=("Record-Route",),
)
def breaks_the_route_set(patch: pytest.MonkeyPatch) -> None:
    """The server drops a parameter of a partner's Record-Route that it does not know, once a session goes on."""
    from simulator.io.chat_session import ChatSession

    sent: dict[int, int] = {}

    async def careless(sound: Any, self: Any, message: str, form: Any = None) -> Any:
        sent[id(self)] = sent.get(id(self), 0) + 1
        dialog = self._session.dialog
        if sent[id(self)] > 1 and dialog is not None:
            dialog.routes = tuple(route.partition(";ms-route-sig=")[0] + ">" for route in dialog.routes)
        return await sound(self, message, form)

    break_server(patch, ChatSession, "send", careless)


@defect(
    caught_by=("chat/message-that-crosses-a-bye", "chat/conversation-after-the-end"),
    also=("certificates/partner-renews-with-another-kind",),
)
def writes_into_ended_sessions(patch: pytest.MonkeyPatch) -> None:
    """The server takes no notice of a BYE in a session in which its user has written, nor of the 481 after it."""
    from simulator.io.chat_session import ChatSession
    from simulator.io.chats import Chats

    wrote: set[Any] = set()
    ended: set[Any] = set()

    def unmoved(sound: Any, self: Any, link: Any, transaction: Any, request: Any) -> None:
        if request.method == "BYE" and self in wrote:
            ended.add(self)
            self._agent.respond(link, transaction, 200)
        else:
            sound(self, link, transaction, request)

    async def noted(sound: Any, self: Any, *arguments: Any) -> Any:
        wrote.add(self)
        return await sound(self, *arguments)

    async def stubborn(sound: Any, self: Any, account: Any, remote: str, message: str, form: Any = None) -> Any:
        session = self._sessions.get((account.uri, remote))
        if session in ended:
            return await session.send(message, form)
        return await sound(self, account, remote, message, form)

    break_server(patch, ChatSession, "on_request", unmoved)
    break_server(patch, ChatSession, "send", noted)
    break_server(patch, Chats, "send", stubborn)
