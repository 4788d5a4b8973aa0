"""Presence between users of the server under test and users of a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.scenarios import scenario

if TYPE_CHECKING:
    from simulator.federation import Federation
    from simulator.partner import Partner


NEEDS = ("presence", "open-federation")
STATES = ("busy", "away", "offline", "available")


def joined(federation: Federation, kind: str) -> Partner:
    return federation.direct_partner() if kind == "direct" else federation.partner()


@scenario(level="must", sources=("R1", "R27", "R39"), needs=(*NEEDS, "static-routes"))
@pytest.mark.parametrize("kind", ["open", "direct"])
def test_partner_sees_user(federation: Federation, kind: str) -> None:
    """A partner's user who watches a user sees the state at once and every change that follows."""
    alice, bob = federation.sut.user("alice"), joined(federation, kind).user("bob")
    alice.set_presence("available")

    watch = bob.watch(alice)

    watch.expect("available")
    for state in STATES:
        alice.set_presence(state)
        watch.expect(state)


@scenario(level="must", sources=("R1", "R27", "R39"), needs=(*NEEDS, "static-routes"))
@pytest.mark.parametrize("kind", ["open", "direct"])
def test_user_sees_partner(federation: Federation, kind: str) -> None:
    """A user who watches a partner's user sees the state at once and every change that follows."""
    alice, bob = federation.sut.user("alice"), joined(federation, kind).user("bob")
    bob.set_presence("available")

    watch = alice.watch(bob)

    watch.expect("available")
    for state in STATES:
        bob.set_presence(state)
        watch.expect(state)


@scenario(level="must", sources=("R1", "RFC 6665 §4.2.1.4"), needs=NEEDS)
def test_watching_ends(federation: Federation) -> None:
    """After the subscription was ended no change is sent any more."""
    alice, partner = federation.sut.user("alice"), federation.partner()
    bob, berta = partner.user("bob"), partner.user("berta")
    watch, other = bob.watch(alice), berta.watch(alice)
    watch.expect("available")
    other.expect("available")

    watch.stop().must_succeed()
    alice.set_presence("busy")

    other.expect("busy")
    watch.must_not_have_seen("busy")


@scenario(level="must", sources=("RFC 3261 §8.2.2.1",), needs=("show-presence",))
def test_unknown_user_cannot_be_watched(federation: Federation) -> None:
    """A subscription to a user that the server does not have is refused."""
    bob = federation.partner().user("bob")

    bob.watch(f"nobody@{federation.sut.domain}").outcome.must_fail()
