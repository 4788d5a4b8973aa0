"""What is done for a user, by our own user agent or by a server under test that is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from simulator.chat.formats import TextFormat
    from simulator.io.account import Account, Consent
    from simulator.io.chat_session import ChatSession
    from simulator.outcome import Outcome
    from simulator.presence.state import PresenceState

OfferKind = Literal["audio", "video", "application-sharing", "file", "old-file", "conference", "multiparty"]
"""What a user can offer beside a chat of two."""


class UserActions(Protocol):
    """What every server can be told to do for its users."""

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

    async def tell_typing(self, account: Account, remote: str, active: bool) -> Outcome:
        """Let `remote` know that the user types, or has stopped."""

    async def set_consent(self, account: Account, policy: Consent) -> None:
        """Set what a watcher gets about whom the user has not decided."""

    async def answer_watcher(self, account: Account, watcher: str, allowed: bool) -> None:
        """Allow or deny a watcher, now and from now on."""


@runtime_checkable
class ClientActions(Protocol):
    """What only our own user agent can be told, because it is on the wire itself."""

    async def send_text(self, account: Account, remote: str, text: str, form: TextFormat | None = None) -> Outcome:
        """Deliver `text` in this form."""

    async def watch(self, account: Account, *people: str, once: bool = False) -> Outcome:
        """Subscribe to one or to several with one subscription, or fetch the state once."""

    async def reopen_chat(self, account: Account, remote: str, *, same_conversation: bool) -> Outcome:
        """Send another INVITE to `remote`, whatever session there is."""

    async def offer(self, account: Account, remote: str, kind: OfferKind) -> Outcome:
        """Offer something other than a chat of two; what is accepted is ended again."""

    async def refresh_watch(self, account: Account, presentity: str) -> Outcome:
        """Prolong the subscription to `presentity` before its time."""

    def forget_watch(self, account: Account, presentity: str) -> None:
        """Lose the subscription to `presentity` without a word."""

    def forget_watchers(self, account: Account) -> None:
        """Lose every subscription to the account without a word."""

    def cancel_chat(self, account: Account, remote: str) -> bool:
        """Give up on an INVITE that has no answer yet; False when there is none."""

    def chat_session(self, account: Account, remote: str) -> ChatSession | None:
        """The last session between the two, over or not."""
