"""Presence when connections and partners come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed
from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios.presence_cases import server_notifies
from simulator.scenarios.traffic import requests_to

if TYPE_CHECKING:
    from simulator.federation import Federation


WATCHED = ("presence", "open-federation")
SHOWN = ("show-presence", "open-federation")


@scenario(level="must", sources=("R1", "RFC 6665 §4.2.2"), needs=(*SHOWN, "receive"))
def test_change_after_the_connection_ended(federation: Federation) -> None:
    """A subscription is no connection: a change, or what a refresh is owed, reaches the watcher over a new one."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    watch = bob.watch(alice)
    watch.expect()

    for state in ("busy", "away"):
        partner.edge.drops_connections()
        bob.chat_with(alice).say("fence").must_succeed()  # the server has read the end by now
        server_notifies(federation, alice, watch, state)

    alice.ignores_messages()


@scenario(level="must", sources=("R1", "RFC 6665 §4.2.2"), needs=SHOWN)
@cases("taken", Case("before-it-is-taken", False), Case("instead-of-the-answer", True))
def test_notification_on_a_dying_connection(federation: Federation, taken: bool) -> None:
    """When a connection dies under a notification, the watcher still sees the last state in the end."""
    partner = federation.partner("generic")
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    watch = bob.watch(alice)
    watch.expect()
    death = partner.edge.closes_on("NOTIFY", taken=taken, times=1)

    if "presence" in federation.sut.capabilities:
        alice.set_presence("busy")
        death.must_have_happened()
        alice.set_presence("away")
        watch.expect("away")
    else:
        watch.refresh()
        death.must_have_happened()
        if not watch.refresh().delivered:
            bob.watch(alice).outcome.must_succeed()
        watch.expect()


@scenario(level="must", sources=("R1", "R38"), needs=(*WATCHED, "time"))
def test_watcher_who_does_not_answer(federation: Federation) -> None:
    """While one watcher's edge leaves notifications unanswered, another watcher sees every change."""
    deaf, other = federation.partner("generic"), federation.partner("generic")
    alice = federation.sut.user("alice")
    deaf.user("bob").watch(alice).expect("available")
    watch = other.user("bob").watch(alice)
    watch.expect("available")
    silence = deaf.edge.falls_silent("NOTIFY")

    for state in ("busy", "away", "available"):
        alice.set_presence(state)
        watch.expect(state)

    silence.must_have_happened()
    federation.advance(40)
    alice.set_presence("busy")
    watch.expect("busy")


@scenario(
    level="should",
    sources=("R1", "C19", "RFC 6665 §4.1.2.2"),
    needs=(*WATCHED, "time"),
    outcomes={
        "sees it again": "ok",
        "has to watch again": ("tolerable", "No source says that a server must try again by itself."),
    },
)
def test_partner_that_was_away_at_the_refresh(federation: Federation) -> None:
    """A partner that could not be reached when a subscription was due is asked again, and its state is seen again."""
    from simulator.partner import GENERIC

    partner = federation.partner(GENERIC.but(name="away-at-the-refresh", subscription_seconds=600))
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    watch = alice.watch(bob)
    watch.expect("available")
    bob.expect_watcher(alice)
    partner.edge.breaks_down()

    federation.advance(580)
    federation.sut.user("anna").watch(bob).outcome.must_fail()  # the refresh has failed by now
    partner.edge.recovers()
    bob.set_presence("busy")
    federation.advance(hours=1)

    try:
        watch.expect("busy", within=1.0)
    except ExpectationFailed:
        alice.watch(bob).expect("busy")
        happened("has to watch again")
    else:
        happened("sees it again")


@scenario(level="must", sources=("R1", "C19", "F1.32"), needs=(*WATCHED, "time"))
@cases("status", Case("500", 500), Case("503", 503), Case("504", 504))
def test_refused_refresh_is_not_hammered(federation: Federation, status: int) -> None:
    """A refresh that is answered {status} is not repeated again and again at once."""
    from simulator.partner import GENERIC

    partner = federation.partner(GENERIC.but(name="refuses-the-refresh", subscription_seconds=600))
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    alice.watch(bob).expect("available")
    refusal = partner.edge.answers("SUBSCRIBE", status)

    federation.advance(580)
    refusal.must_have_happened()
    federation.sut.user("anna").watch(bob).outcome.must_fail(status)

    tries = [one for one in requests_to(federation, partner, "SUBSCRIBE") if one.from_.parsed_uri.aor == alice.uri]
    assert len(tries) <= 4, f"the server sent {len(tries)} SUBSCRIBE requests for {alice.uri} within a moment"
