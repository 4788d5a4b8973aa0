"""A user as a test holds them: synchronous verbs over an account and its user agent."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from simulator.errors import ExpectationFailed
from simulator.io.account import Account, PresenceSeen, TextMessage
from simulator.io.loop import LoopThread
from simulator.outcome import Outcome
from simulator.presence.state import Availability, PresenceState
from simulator.sip.uri import SipUri

DEADLINE = 5.0
"Real seconds that an expectation waits when the test names no other time."
SHOWN_TEXT = 40
"Characters of a message that a failure quotes."


class Addressable(Protocol):
    """Whoever can be written to and watched: a user of a partner, or one of any server under test."""

    @property
    def uri(self) -> str:
        """`sip:user@domain`."""


class UserActions(Protocol):
    """What is done for a user: by our own user agent, or by a server under test that is told to."""

    async def send_text(self, account: Account, remote: str, text: str) -> Outcome:
        """Deliver `text` to `remote` (`sip:user@domain`); every failure is an outcome."""

    async def end_chat(self, account: Account, remote: str) -> None:
        """End the conversation between the two, if there is one."""

    async def watch(self, account: Account, presentity: str) -> Outcome:
        """Subscribe to the presence of `presentity`."""

    async def unwatch(self, account: Account, presentity: str) -> Outcome:
        """End that subscription."""

    async def show(self, account: Account, state: PresenceState) -> None:
        """Change what the account shows; the notifications are under way when this returns."""


class User:
    """Chats, shows presence and watches others; every call returns when the wire has answered, or fails in words."""

    def __init__(self, loop: LoopThread, agent: UserActions, account: Account) -> None:
        self._loop = loop
        self._agent = agent
        self._account = account

    @property
    def uri(self) -> str:
        """`sip:user@domain`."""
        return self._account.uri

    def __str__(self) -> str:
        return self.uri

    @property
    def messages(self) -> tuple[TextMessage, ...]:
        """Every chat message that was accepted for the user, in order."""
        return tuple(self._account.inbox)

    def chat_with(self, other: Addressable | str) -> Chat:
        """A conversation with `other`, a user or a `user@domain`; nothing is sent before the first `say`."""
        return Chat(self._loop, self._agent, self._account, uri_of(other))

    def expect_message(
        self, text: str | None = None, *, from_: Addressable | str | None = None, within: float = DEADLINE
    ) -> TextMessage:
        """The next message with this text and sender, each optional; ExpectationFailed after `within` seconds."""
        sender = None if from_ is None else uri_of(from_)

        def wanted(message: TextMessage) -> bool:
            return (text is None or message.text == text) and (sender is None or message.sender == sender)

        found = self._loop.run(self._account.inbox.take(wanted, within=within))
        if found is None:
            what = "a message" if text is None else f"the message {text!r}"
            who = f" from {sender}" if sender else ""
            seen = ", ".join(f"{m.text!r} from {m.sender}" for m in self._account.inbox.untaken) or "nothing"
            raise ExpectationFailed(f"{self.uri} expected {what}{who} within {within:g} s; what came was: {seen}.")
        return found

    def must_have_no_message(self) -> None:
        """Fail when something arrived that no expectation took; meaningful after a later exchange has come back."""
        left = self._account.inbox.untaken
        if left:
            texts = ", ".join(f"{message.text!r} from {message.sender}" for message in left)
            raise ExpectationFailed(f"{self.uri} must have no message, but got: {texts}.")

    def set_presence(self, availability: Availability | str, *, note: str | None = None) -> None:
        """Show this state to all watchers; the notifications are under way when the call returns."""
        state = PresenceState(Availability(availability), note=note)
        self._loop.run(self._agent.show(self._account, state))

    def watch(self, other: Addressable | str) -> Watch:
        """Subscribe to the presence of `other` (RFC 3856) and return once the subscription was answered."""
        presentity = uri_of(other)
        outcome = self._loop.run(self._agent.watch(self._account, presentity))
        outcome = replace(outcome, subject=f"the subscription of {self.uri} to the presence of {presentity}")
        return Watch(self._loop, self._agent, self._account, presentity, outcome)


class Chat:
    """A conversation between a user and one other; `say` opens the session it needs."""

    def __init__(self, loop: LoopThread, agent: UserActions, account: Account, other: str) -> None:
        self._loop = loop
        self._agent = agent
        self._account = account
        self._other = other

    def say(self, text: str) -> Outcome:
        """Send `text` and wait for the final answer; failures are outcomes, not exceptions."""
        outcome = self._loop.run(self._agent.send_text(self._account, self._other, text))
        shown = text if len(text) <= SHOWN_TEXT else text[:SHOWN_TEXT] + "…"
        return replace(outcome, subject=f"the message {shown!r} from {self._account.uri} to {self._other}")

    def close(self) -> None:
        """End the session with BYE, if there is one."""
        self._loop.run(self._agent.end_chat(self._account, self._other))


class Watch:
    """A presence subscription of a user to one other."""

    def __init__(
        self, loop: LoopThread, agent: UserActions, account: Account, presentity: str, outcome: Outcome
    ) -> None:
        self._loop = loop
        self._agent = agent
        self._account = account
        self._presentity = presentity
        self.outcome = outcome
        "What became of the SUBSCRIBE."

    def expect(
        self, availability: Availability | str, *, note: str | None = None, within: float = DEADLINE
    ) -> PresenceSeen:
        """The next notification that shows this state; ExpectationFailed after `within` seconds."""
        self.outcome.must_succeed()
        wanted_availability = Availability(availability)

        def wanted(seen: PresenceSeen) -> bool:
            return (
                seen.presentity == self._presentity
                and seen.state is not None
                and seen.state.availability is wanted_availability
                and (note is None or seen.state.note == note)
            )

        found = self._loop.run(self._account.seen.take(wanted, within=within))
        if found is None:
            states = [seen.state for seen in self._account.seen if seen.presentity == self._presentity]
            last = "no notification at all" if not states else f"last {states[-1]}"
            raise ExpectationFailed(
                f"{self._account.uri} expected to see {self._presentity} as {wanted_availability.value} "
                f"within {within:g} s; it saw {last}."
            )
        return found

    def must_not_have_seen(self, availability: Availability | str) -> None:
        """Fail when a notification with this state came; meaningful after a later exchange has come back."""
        unwanted = Availability(availability)
        for seen in self._account.seen:
            if seen.presentity == self._presentity and seen.state and seen.state.availability is unwanted:
                raise ExpectationFailed(
                    f"{self._account.uri} must not have seen {self._presentity} as {unwanted.value}, but did."
                )

    def stop(self) -> Outcome:
        """Unsubscribe (RFC 6665 §4.1.2.3) and wait for the answer."""
        return self._loop.run(self._agent.unwatch(self._account, self._presentity))


def uri_of(who: Addressable | str) -> str:
    """`sip:user@domain` of a user or of a `user@domain`."""
    if not isinstance(who, str):
        return who.uri
    return SipUri.parse(who if who.startswith("sip:") else f"sip:{who}").aor
