"""Steps that several areas of the catalogue share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed
from simulator.scenarios.contact import server_contacts

if TYPE_CHECKING:
    from simulator.federation import Federation
    from simulator.io.user import User
    from simulator.names import SipDomain
    from simulator.outcome import Outcome
    from simulator.partner import Partner


def must_chat_both_ways(federation: Federation, partner: Partner) -> None:
    """A message of the partner arrives, and then the server contacts the partner, so that both sides open a connection;
    by a message as well, where its users can be told to write."""
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    bob.chat_with(alice).say("from the partner").must_succeed()
    alice.expect_message("from the partner", from_=bob)
    bob.chat_with(alice).close()
    server_contacts(federation, partner, text="to the partner").must_succeed()


def must_have_reached_nobody(federation: Federation, user: User) -> None:
    """Nothing came to a user of the server under test: a later message, from another partner, is the only one there."""
    fence = federation.partner().user("fence")
    fence.chat_with(user).say("fence").must_succeed()
    user.expect_message("fence", from_=fence)
    user.must_have_no_message()


def must_be_turned_away(outcome: Outcome) -> Outcome:
    """The server under test refused it: the attempt failed, and not because the partner did not get that far."""
    outcome.must_fail()
    if outcome.phase in ("policy", "discovery"):
        raise ExpectationFailed(
            f"The server under test must refuse it, but {outcome}: the partner never asked the server. "
            "Look at the DNS records of the server under test, and at the partner's policy."
        )
    return outcome


def must_serve_others(federation: Federation) -> None:
    """A user of another partner reaches a user of the server."""
    other = federation.partner().user("other")
    anna = federation.sut.user("anna")
    other.chat_with(anna).say("from another one").must_succeed()
    anna.expect_message("from another one", from_=other)


def must_not_be_astray(partner: Partner, text: str, tenant: SipDomain) -> None:
    """Of several tenants behind one edge, whose users are all called bob, no other one's user got the message."""
    for other in partner.tenants:
        if other != tenant and any(message.text == text for message in partner.user(f"bob@{other}").messages):
            raise ExpectationFailed(
                f"The message to bob@{tenant} came to bob@{other}: the server tells people behind one edge apart by "
                "the name before the @ alone, or has one session for the whole edge."
            )
