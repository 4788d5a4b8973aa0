"""Conversations as a test holds them: what is said, what is under way, and invitations that wait for an answer."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import replace

from simulator.chat.formats import TextFormat, format_named
from simulator.errors import ConfigurationError, ExpectationFailed, Problem
from simulator.io.account import Account, TypingSeen
from simulator.io.actions import ClientActions, UserActions
from simulator.io.chat_session import ChatSession
from simulator.io.invitations import PendingInvitation
from simulator.io.loop import LoopThread
from simulator.outcome import Outcome

DEADLINE = 5.0
"Real seconds that an expectation waits when the test names no other time."
SHOWN_TEXT = 40
"Characters of a message that a failure quotes."


def client(actions: UserActions, what: str) -> ClientActions:
    """The same actions where they are those of our own user agent; else ConfigurationError: it cannot do `what`."""
    if isinstance(actions, ClientActions):
        return actions
    raise ConfigurationError(
        [Problem(what, "only a user of a partner or of the embedded server can be told to do that")]
    )


class Chat:
    """A conversation between a user and one other; `say` opens the session it needs."""

    def __init__(self, loop: LoopThread, agent: UserActions, account: Account, other: str) -> None:
        self._loop = loop
        self._agent = agent
        self._account = account
        self._other = other

    def say(self, text: str, *, form: TextFormat | str | None = None) -> Outcome:
        """Send `text` and wait for the final answer; failures are outcomes, not exceptions.

        `form` writes it in this form (`plain`, `html`, `rtf`, `alternative`) instead of the persona's own choice.
        Raises LocalProtocolError, before anything is sent, for a text with NUL or half a surrogate pair.
        """
        if form is None:
            outcome = self._loop.run(self._agent.send_text(self._account, self._other, text))
        else:
            agent = client(self._agent, "say(form=…)")
            chosen = form if isinstance(form, TextFormat) else format_named(form)
            outcome = self._loop.run(agent.send_text(self._account, self._other, text, chosen))
        return self._named(outcome, text)

    def start_saying(self, text: str) -> Saying:
        """Send `text` without waiting for the answer, for a callee who lets the invitation wait."""
        future = self._loop.submit(self._agent.send_text(self._account, self._other, text))
        return Saying(self, future, text)

    def typing(self) -> Outcome:
        """Tell the other that the user types; refused in phase `policy` by a product that tells nobody."""
        return self._tell_typing(True)

    def stops_typing(self) -> Outcome:
        """Tell the other that the user has stopped without having written."""
        return self._tell_typing(False)

    def reopen(self, *, same_conversation: bool = False) -> Outcome:
        """Send another INVITE although a session is there, as a client does that has lost it; with
        `same_conversation` it has the `Ms-Conversation-ID` of that session (dialect facts §4.2)."""
        agent = client(self._agent, "reopen()")
        outcome = self._loop.run(agent.reopen_chat(self._account, self._other, same_conversation=same_conversation))
        return replace(outcome, subject=f"the invitation from {self._account.uri} to {self._other}")

    @property
    def is_open(self) -> bool:
        """Whether a session is there, so that the next message needs no INVITE."""
        session = self._session()
        return session is not None and session.usable

    def expect_end(self, *, within: float = DEADLINE) -> str:
        """The session ends, or has ended; gives the reason in words. ExpectationFailed after `within` seconds."""
        session = self._session()
        if session is None:
            return "there is no session"

        async def ended() -> str | None:
            try:
                return await asyncio.wait_for(asyncio.shield(session.over), within)
            except TimeoutError:
                return None

        reason = self._loop.run(ended())
        if reason is None:
            raise ExpectationFailed(
                f"The session of {self._account.uri} with {self._other} was to end within {within:g} s, but goes on."
            )
        return reason

    def forget(self) -> None:
        """Lose the session without a word, as a client that crashed; what still comes in it is answered with 481."""
        session = self._session()
        if session is not None:
            self._loop.call(session.forget, "this side has lost it")

    def close(self) -> None:
        """End the session with BYE, if there is one."""
        self._loop.run(self._agent.end_chat(self._account, self._other))

    def _session(self) -> ChatSession | None:
        agent = client(self._agent, "the state of a session")
        return self._loop.call(agent.chat_session, self._account, self._other)

    def _tell_typing(self, active: bool) -> Outcome:
        outcome = self._loop.run(self._agent.tell_typing(self._account, self._other, active))
        return replace(outcome, subject=f"the sign that {self._account.uri} types, to {self._other}")

    def _cancel(self) -> bool:
        agent = client(self._agent, "cancel()")
        return self._loop.call(agent.cancel_chat, self._account, self._other)

    def _named(self, outcome: Outcome, text: str) -> Outcome:
        return replace(outcome, subject=self._words(text))

    def _words(self, text: str) -> str:
        shown = text if len(text) <= SHOWN_TEXT else text[:SHOWN_TEXT] + "…"
        return f"the message {shown!r} from {self._account.uri} to {self._other}"


class Saying:
    """A message that is under way."""

    def __init__(self, chat: Chat, future: Future[Outcome], text: str) -> None:
        self._chat = chat
        self._future = future
        self._text = text

    @property
    def is_over(self) -> bool:
        """Whether there is a final answer."""
        return self._future.done()

    def outcome(self, *, within: float = DEADLINE) -> Outcome:
        """What became of it; ExpectationFailed when there is no final answer within so many real seconds."""
        try:
            outcome = self._future.result(within)
        except NotInTime:
            raise ExpectationFailed(
                f"Whether {self._chat._words(self._text)} arrived is still open after {within:g} s: "
                "its sender has neither a final answer nor a word that there is none."
            ) from None
        return self._chat._named(outcome, self._text)

    def cancel(self) -> None:
        """Give up on the invitation (CANCEL); ExpectationFailed when it has its answer, or was never sent."""
        if not self._chat._cancel():
            raise ExpectationFailed(f"There is no open invitation to cancel for the message {self._text!r}.")


class Invitation:
    """An invitation to a chat that the test answers."""

    def __init__(self, loop: LoopThread, pending: PendingInvitation) -> None:
        self._loop = loop
        self._pending = pending

    @property
    def sender(self) -> str:
        """`sip:user@domain` of who invites."""
        return self._pending.sender

    @property
    def text(self) -> str | None:
        """The text that came with it; None where it carried none, or none that the persona reads."""
        return self._pending.text

    def accept(self) -> None:
        """Take the chat; a text that came with it is in the inbox then."""
        if not self._loop.call(self._pending.accept):
            raise ExpectationFailed(f"{self._pending} cannot be accepted any more: the caller gave up.")

    def decline(self, status: int = 603, reason: str | None = None) -> None:
        """Refuse it with this status."""
        if not self._loop.call(self._pending.decline, status, reason):
            raise ExpectationFailed(f"{self._pending} cannot be declined any more: the caller gave up.")

    def expect_cancel(self, *, within: float = DEADLINE) -> None:
        """The caller gives up, or has given up; ExpectationFailed after `within` seconds."""

        async def given_up() -> bool:
            try:
                await asyncio.wait_for(self._pending.given_up.wait(), within)
            except TimeoutError:
                return False
            return True

        if not self._loop.run(given_up()):
            raise ExpectationFailed(f"The caller was to give up {self._pending} within {within:g} s, but did not.")


def typing_words(sender: str | None, active: bool) -> str:
    """What a failure calls a sign of typing."""
    return f"{sender or 'somebody'} {'types' if active else 'has stopped typing'}"


def seen_typing(came: tuple[TypingSeen, ...]) -> str:
    """What came instead, in words."""
    return ", ".join(typing_words(seen.sender, seen.active) for seen in came) or "nothing"
