"""A user as a test holds them: synchronous verbs over an account and its user agent."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from simulator.errors import ExpectationFailed
from simulator.io.account import Account, Consent, OfferSeen, TextMessage, TypingSeen
from simulator.io.actions import OfferKind, UserActions
from simulator.io.conversation import DEADLINE, Chat, Invitation, client, seen_typing, typing_words
from simulator.io.loop import LoopThread
from simulator.io.misses import nearest_message, shortened
from simulator.io.surprises import Ignorable
from simulator.io.watch import Watch, state_of
from simulator.outcome import Outcome
from simulator.presence.state import Availability
from simulator.sip.uri import SipUri

__all__ = ["DEADLINE", "Addressable", "Chat", "Invitation", "User", "UserActions", "Watch", "uri_of"]


class Addressable(Protocol):
    """Whoever can be written to and watched: a user of a partner, or one of any server under test."""

    @property
    def uri(self) -> str:
        """`sip:user@domain`."""


class User:
    """Chats, shows presence and watches others; every call returns when the wire has answered, or fails in words.

    A user takes chats and lets everybody watch; conferences, files, sound and so on are refused. What reaches a user
    must be taken by an `expect_…` of the test: what is left over when the test ends fails it (`ignores` is for users
    of whom a test does not want to know).
    """

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

    # -- chat ---------------------------------------------------------------------------------------------------

    @property
    def messages(self) -> tuple[TextMessage, ...]:
        """Every chat message that was accepted for the user, in order; who reads them has taken them."""
        return self._loop.run(self._account.inbox.read_all())

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
            what = "a message" if text is None else f"the message {shortened(text)}"
            who = f" from {sender}" if sender else ""
            left = self._account.inbox.untaken
            seen = ", ".join(f"{shortened(message.text)} from {message.sender}" for message in left) or "nothing"
            raise ExpectationFailed(
                f"{self.uri} expected {what}{who} within {within:g} s; what came was: {seen}."
                f"{nearest_message(text, sender, left)}"
            )
        return found

    def must_have_no_message(self) -> None:
        """Fail when something arrived that no expectation took; meaningful after a later exchange has come back."""
        left = self._account.inbox.untaken
        if left:
            raise ExpectationFailed(f"{self.uri} must have no message, but got: {', '.join(map(str, left))}.")

    def expect_typing(
        self, *, from_: Addressable | str | None = None, active: bool = True, within: float = DEADLINE
    ) -> TypingSeen:
        """Somebody types to the user or, without `active`, has stopped; ExpectationFailed after `within` seconds."""
        sender = None if from_ is None else uri_of(from_)

        def wanted(seen: TypingSeen) -> bool:
            return seen.active is active and sender in (None, seen.sender)

        found = self._loop.run(self._account.typing.take(wanted, within=within))
        if found is None:
            what = typing_words(sender, active)
            came = seen_typing(self._account.typing.untaken)
            raise ExpectationFailed(
                f"{self.uri} expected to be told within {within:g} s that {what}; what came was: {came}."
            )
        return found

    def answers_when_told(self, on: bool = True) -> None:
        """Let invitations to chats wait for `expect_invitation(…).accept()` or `.decline()`."""
        client(self._agent, "answers_when_told()")
        self._account.answers_when_told = on

    def expect_invitation(self, *, from_: Addressable | str | None = None, within: float = DEADLINE) -> Invitation:
        """The next invitation that waits for an answer, after `answers_when_told`; ExpectationFailed else."""
        sender = None if from_ is None else uri_of(from_)
        invitations = self._account.invitations
        found = self._loop.run(invitations.take(lambda one: sender in (None, one.sender), within=within))
        if found is None:
            who = f" from {sender}" if sender else ""
            seen = ", ".join(map(str, invitations.untaken)) or "nothing"
            raise ExpectationFailed(
                f"{self.uri} expected an invitation{who} within {within:g} s; what came was: {seen}."
            )
        return Invitation(self._loop, found)

    # -- what is no chat of two ---------------------------------------------------------------------------------

    def offers(self, other: Addressable | str, kind: OfferKind) -> Outcome:
        """Offer `other` something that is no chat of two, for a server to refuse; what is accepted ends at once."""
        agent = client(self._agent, "offers()")
        outcome = self._loop.run(agent.offer(self._account, uri_of(other), kind))
        return replace(outcome, subject=f"the offer ({kind}) from {self.uri} to {uri_of(other)}")

    def expect_offer(self, *, from_: Addressable | str | None = None, within: float = DEADLINE) -> OfferSeen:
        """The next offer that was refused for the user; ExpectationFailed after `within` seconds."""
        sender = None if from_ is None else uri_of(from_)
        found = self._loop.run(self._account.offers.take(lambda one: sender in (None, one.sender), within=within))
        if found is None:
            seen = ", ".join(f"{one.kind} from {one.sender}" for one in self._account.offers.untaken) or "nothing"
            raise ExpectationFailed(f"{self.uri} expected an offer within {within:g} s; what came was: {seen}.")
        return found

    def ignores(self, *what: Ignorable) -> None:
        """Take `messages`, `typing` or `offers` without an expectation for each."""
        self._account.ignored.update(what)

    def ignores_messages(self) -> None:
        """Take messages without an expectation for each."""
        self.ignores("messages")

    # -- presence -----------------------------------------------------------------------------------------------

    def set_presence(
        self,
        availability: Availability | str,
        *,
        activity: str | None = None,
        note: str | None = None,
        display_name: str | None = None,
    ) -> None:
        """Show this state to all watchers; the notifications are under way when the call returns.

        `availability` may also be a state of Teams, such as `On a call`. What is left out is not shown, but for the
        display name, which then is the user's own.
        """
        state = state_of(availability, activity, note, display_name)
        self._loop.run(self._agent.show(self._account, state))

    def watch(self, other: Addressable | str, *, once: bool = False) -> Watch:
        """Subscribe to the presence of `other` (RFC 3856) and return once the subscription was answered; with `once`
        fetch the state and no more (RFC 6665 §4.4.3)."""
        presentity = uri_of(other)
        if once:
            agent = client(self._agent, "watch(once=True)")
            outcome = self._loop.run(agent.watch(self._account, presentity, once=True))
        else:
            outcome = self._loop.run(self._agent.watch(self._account, presentity))
        outcome = replace(outcome, subject=f"the subscription of {self.uri} to the presence of {presentity}")
        return Watch(self._loop, self._agent, self._account, presentity, outcome)

    def watch_all(self, *others: Addressable | str) -> tuple[Watch, ...]:
        """Subscribe to several people of one domain with one SUBSCRIBE (a batch, MS-PRES 2.2.2.4.1); a Watch for each,
        in the same order. To stop one of them stops all."""
        people = [uri_of(other) for other in others]
        agent = client(self._agent, "watch_all()")
        outcome = self._loop.run(agent.watch(self._account, *people))
        outcome = replace(outcome, subject=f"the subscription of {self.uri} to {', '.join(people)}")
        return tuple(Watch(self._loop, self._agent, self._account, one, outcome, people[0]) for one in people)

    def consent(self, policy: Consent) -> None:
        """What watchers get about whom the user has not decided: `allow` the state, `ask` a wait for `grant` or `deny`,
        `deny` a refusal. Subscriptions that are there are not touched."""
        self._loop.run(self._agent.set_consent(self._account, policy))

    def grant(self, watcher: Addressable | str) -> None:
        """Let this one watch, now and from now on."""
        self._loop.run(self._agent.answer_watcher(self._account, uri_of(watcher), True))

    def deny(self, watcher: Addressable | str) -> None:
        """Do not let this one watch; a subscription that is there ends."""
        self._loop.run(self._agent.answer_watcher(self._account, uri_of(watcher), False))

    def forget_watchers(self) -> None:
        """Lose all subscriptions to the user without a word, as a server that restarts; a refresh is answered 481."""
        self._loop.call(client(self._agent, "forget_watchers()").forget_watchers, self._account)

    def expect_watcher(self, other: Addressable | str | None = None, *, within: float = DEADLINE) -> str:
        """Somebody, or `other`, subscribes to the user's presence, whatever the answer; gives their URI."""
        wanted = None if other is None else uri_of(other)
        found = self._loop.run(self._account.watchers.take(lambda one: wanted in (None, one), within=within))
        if found is None:
            came = ", ".join(self._account.watchers.untaken) or "nobody"
            raise ExpectationFailed(
                f"{self.uri} expected {wanted or 'somebody'} to watch within {within:g} s; there was {came}."
            )
        return found


def uri_of(who: Addressable | str) -> str:
    """`sip:user@domain` of a user or of a `user@domain`."""
    if not isinstance(who, str):
        return who.uri
    return SipUri.parse(who if who.startswith("sip:") else f"sip:{who}").aor
