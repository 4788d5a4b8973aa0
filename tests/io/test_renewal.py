"""A subscription of the server outlives what ended it, for as long as its user wants to watch."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.dns import FaultKind
from simulator.federation import Federation
from simulator.io.renewal import RetryRules
from simulator.io.user import User

HOUR = 3600.0


def test_a_partner_that_was_killed_is_watched_again_at_the_next_refresh(federation: Federation) -> None:
    partner = federation.partner()
    bob = partner.user("bob")
    watch = federation.sut.user("alice").watch(bob)
    watch.expect("available")

    partner.restart()
    federation.advance(9 * HOUR)
    bob.expect_watcher("alice@acme.test")
    bob.expect_watcher("alice@acme.test")

    watch.expect("available")
    bob.set_presence("busy")
    watch.expect("busy")


@pytest.mark.parametrize("reason", ["deactivated", "timeout"])
def test_a_partner_that_asks_to_come_again_is_watched_again_at_once(federation: Federation, reason: str) -> None:
    partner = federation.partner()
    watch = federation.sut.user("alice").watch(partner.user("bob"))
    watch.expect("available")

    partner.restart(reason=reason)

    watch.expect("available")


@pytest.mark.parametrize("reason", ["rejected", "noresource", "invariant"])
def test_a_partner_that_says_no_is_left_alone(federation: Federation, reason: str) -> None:
    partner = federation.partner()
    bob, alice = partner.user("bob"), federation.sut.user("alice")
    alice.watch(bob).expect("available")

    partner.restart(reason=reason)
    federation.advance(HOUR)
    alice.chat_with(bob).say("fence").must_succeed()

    bob.expect_message("fence")
    assert subscriptions_to(bob, federation) == 1


def test_whoever_has_stopped_watching_is_not_subscribed_again(federation: Federation) -> None:
    partner = federation.partner()
    bob, alice = partner.user("bob"), federation.sut.user("alice")
    watch = alice.watch(bob)
    watch.expect("available")
    assert watch.stop().delivered

    partner.restart()
    federation.advance(9 * HOUR)
    alice.chat_with(bob).say("fence").must_succeed()

    bob.expect_message("fence")
    assert subscriptions_to(bob, federation) == 1


def test_a_refresh_that_finds_no_server_is_tried_again_before_the_subscription_runs_out(
    federation: Federation,
) -> None:
    partner = federation.partner()
    bob, alice = partner.user("bob"), federation.sut.user("alice")
    watch = alice.watch(bob)
    watch.expect("available")
    partner.restart()
    name = f"_sipfederationtls._tcp.{partner.domain}"
    with federation.dns.fault(name, FaultKind.SERVFAIL):
        asked = federation.dns.query_count
        federation.advance(HOUR - 30)
        federation.dns.expect_query(name, "SRV", since=asked)

    federation.advance(2)

    watch.expect("available")


def subscriptions_to(user: User, federation: Federation) -> int:
    """How many dialogs were begun to watch the user."""
    first = [
        record.text
        for record in federation.records
        if record.what == "received" and record.text.startswith(f"SUBSCRIBE {user.uri} ")
    ]
    return len(first)


@given(st.integers(1, 40), st.floats(0, 1))
def test_waits_grow_up_to_the_cap(failures: int, chance: float) -> None:
    rules = RetryRules()
    wait = rules.wait(failures, chance)

    assert rules.first <= wait <= rules.cap * (1 + rules.jitter)
    assert rules.wait(failures + 1, chance) >= wait
