"""What reached a user and no expectation of the test took: such surprises fail the test."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from simulator.io.account import Account, TypingSeen

Ignorable = Literal["messages", "typing", "offers"]
"""What a user can be told to receive without an expectation."""


def take_surprises(accounts: Iterable[Account]) -> list[str]:
    """A sentence for each thing that arrived unasked, and all of it is taken then.

    Not among them: notifications of a subscription that the user made, subscriptions to the user, and typing that
    ended in a message or in a pause.
    """
    found = []
    for account in accounts:
        if "messages" not in account.ignored:
            found += [
                f"{account.uri} got the message {message}, which nothing expected." for message in account.inbox.untaken
            ]
        if "typing" not in account.ignored:
            found += [
                f"{account.uri} was told that {typing.sender} types, which nothing expected, and no message followed."
                for typing in account.typing.untaken
                if typing.active and not _was_followed(account, typing)
            ]
        if "offers" not in account.ignored:
            found += [
                f"{account.uri} was offered {offer.kind} by {offer.sender} (refused with {offer.status}), "
                "which nothing expected."
                for offer in account.offers.untaken
            ]
        found += [
            f"{account.uri} got {invitation}, which nothing expected." for invitation in account.invitations.untaken
        ]
        for arrived in (account.inbox, account.typing, account.offers, account.invitations):
            arrived.take_all()
    return found


def _was_followed(account: Account, typing: TypingSeen) -> bool:
    """Whether a message of the same sender came, or they said that they stopped."""
    later = [message for message in account.inbox if message.sender == typing.sender and message.at >= typing.at]
    stopped = [seen for seen in account.typing if seen.sender == typing.sender and not seen.active]
    return bool(later) or any(seen.at >= typing.at for seen in stopped)
