"""Presence between users of the server under test and users of a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios.presence_cases import (
    ACCEPT_LISTS,
    FORMATS,
    STATES_OF_PARTNERS,
    STATES_OF_USERS,
    must_each_see_their_own,
    must_show,
    server_notifies,
    without_extensions,
)
from simulator.scenarios.traffic import answers_to

if TYPE_CHECKING:
    from simulator.federation import Federation
    from simulator.partner import Partner


NEEDS = ("presence", "open-federation")
SHOWN = ("show-presence", "open-federation")
STATES = ("busy", "away", "offline", "available")
PERSONAS = ("sfb-2019", "teams", "generic")


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


@scenario(level="must", sources=("R1", "dialect §3.5"), needs=NEEDS)
@cases("state, seen_as", *STATES_OF_USERS)
@cases("persona", *PERSONAS)
def test_state_of_a_user(federation: Federation, persona: str, state: dict[str, str], seen_as: set[str]) -> None:
    """A user who is {state} is seen so by a partner's user, or as the nearest that the format can say."""
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    alice.set_presence(**state)

    must_show(bob.watch(alice), seen_as)


@scenario(level="must", sources=("R1", "dialect §3.5", "dialect §3.6"), needs=NEEDS)
@cases("persona, state, seen_as", *STATES_OF_PARTNERS)
def test_state_of_a_partners_user(
    federation: Federation, persona: str, state: dict[str, str], seen_as: set[str]
) -> None:
    """A user sees the state of a partner's user as the partner's product says it."""
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    bob.set_presence(**state)

    must_show(alice.watch(bob), seen_as)


@scenario(
    level="info",
    sources=("R1", "dialect §3.4"),
    needs=NEEDS,
    outcomes={"passed on": "ok", "left out": ("tolerable", "The requirements speak of the state only.")},
)
@cases(
    "note",
    Case("plain", "In the lab"),
    Case("umlauts-and-emoji", "Grüße 👋🏽"),
    Case("markup", "<b>R&D</b> ]]>"),
    Case("long", "x" * 500),
)
def test_note_is_passed_on_unchanged(federation: Federation, note: str) -> None:
    """A note that is passed on to the partner is the one that the user wrote."""
    alice, bob = federation.sut.user("alice"), federation.partner("generic").user("bob")
    alice.set_presence("busy", note=note)

    state = bob.watch(alice).expect("busy").state

    assert state is not None
    assert state.note in (None, note), f"the note must be {note!r} or left out, but is {state.note!r}"
    happened("passed on" if state.note == note else "left out")


@scenario(level="must", sources=("R1", "dialect §3.1"), needs=NEEDS)
@cases("written, layout", *FORMATS)
def test_partner_that_writes_one_format(federation: Federation, written: str, layout: str) -> None:
    """A partner that can write {written} alone is understood, or was asked for another and refuses with 406."""
    from simulator.partner import SFB_2019

    writer = SFB_2019.but(name="one-format", presence_formats=(written,), pidf_layout=layout)
    alice, bob = federation.sut.user("alice"), federation.partner(writer).user("bob")
    bob.set_presence("busy")

    watch = alice.watch(bob)

    happened(watch.outcome)
    if watch.outcome.delivered:
        watch.expect("busy")


@scenario(level="must", sources=("R1", "dialect §3.1", "dialect §3.2"), needs=SHOWN)
@cases("accept, body", *ACCEPT_LISTS)
def test_accept_list(federation: Federation, accept: tuple[str, ...], body: bool) -> None:
    """A watcher is shown the state in one of the formats that its Accept names, or refused with 406."""
    from simulator.partner import SFB_2019

    watcher = SFB_2019.but(name="watcher", presence_accept=accept, **({} if body else {"category_list": ()}))
    partner = federation.partner(watcher)

    watch = partner.user("bob").watch(federation.sut.user("alice"))

    happened(watch.outcome)
    if watch.outcome.delivered:
        came = watch.expect().content_type
        assert came in accept, f"the watcher takes {', '.join(accept)}, but was sent {came}"


@scenario(level="must", sources=("R1", "dialect §3.2", "RFC 6665 §4.2.1.2"), needs=SHOWN)
@cases("asks", "with-extensions", "without-extensions")
def test_updates_come_as_the_200_promised(federation: Federation, asks: str) -> None:
    """Every update that is due comes, and as BENOTIFY only to a watcher whom the 200 promised that."""
    partner = federation.partner(without_extensions() if asks == "without-extensions" else "sfb-2019")
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    watch = bob.watch(alice)
    watch.expect()

    came = [server_notifies(federation, alice, watch, state).came_by for state in STATES]

    answer = next(answer for answer in answers_to(federation, partner, "SUBSCRIBE") if answer.status < 300)
    promised = "ms-benotify" in (value.lower() for value in answer.headers.values("Supported"))
    assert promised or "BENOTIFY" not in came, "updates came as BENOTIFY, which the 200 to SUBSCRIBE had not promised"


@scenario(level="must", sources=("R1", "dialect §3.3"), needs=NEEDS)
@cases("extensions", "with-extensions", "without-extensions")
def test_partner_with_and_without_the_extensions(federation: Federation, extensions: str) -> None:
    """A user sees every change whether the partner knows Microsoft's extensions or refuses them with 420."""
    partner = federation.partner(without_extensions() if extensions == "without-extensions" else "sfb-2019")
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    bob.set_presence("available")
    watch = alice.watch(bob)
    watch.expect("available")

    for state in STATES:
        bob.set_presence(state)
        watch.expect(state)


@scenario(level="must", sources=("R1",), needs=NEEDS)
def test_everybody_sees_the_one_they_watch(federation: Federation) -> None:
    """Of several users each watcher sees the one watched, and not another."""
    alice, anna = federation.sut.user("alice"), federation.sut.user("anna")
    bob, berta = (federation.partner().user(name) for name in ("bob", "berta"))
    of_alice, of_anna, both = bob.watch(alice), bob.watch(anna), berta.watch(alice)
    for watch in (of_alice, of_anna, both):
        watch.expect("available")

    alice.set_presence("busy")
    anna.set_presence("away")

    must_each_see_their_own({of_alice: (alice, "busy"), of_anna: (anna, "away"), both: (alice, "busy")})


@scenario(level="must", sources=("R1",), needs=NEEDS)
def test_users_see_the_ones_they_watch(federation: Federation) -> None:
    """Of several people at a partner each user sees the one watched, and not another."""
    alice, anna = federation.sut.user("alice"), federation.sut.user("anna")
    partner = federation.partner()
    bob, berta = partner.user("bob"), partner.user("berta")
    of_bob, of_berta, annas = alice.watch(bob), alice.watch(berta), anna.watch(bob)
    for watch in (of_bob, of_berta, annas):
        watch.expect("available")

    bob.set_presence("busy")
    berta.set_presence("away")

    must_each_see_their_own({of_bob: (bob, "busy"), of_berta: (berta, "away"), annas: (bob, "busy")})


@scenario(level="must", sources=("R1",), needs=NEEDS)
def test_the_last_of_many_changes_is_what_is_seen(federation: Federation) -> None:
    """After a burst of changes a watcher ends with the state that was published last."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    watch = bob.watch(alice)
    watch.expect("available")

    for _ in range(5):
        for state in ("busy", "away", "available"):
            alice.set_presence(state)
    alice.set_presence("offline")
    watch.expect("offline")
    alice.set_presence("do-not-disturb")

    must_show(watch, {"do-not-disturb", "busy"}, last=True)
