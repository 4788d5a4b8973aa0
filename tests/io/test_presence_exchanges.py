"""Presence between two sides that both keep the dialect of Skype for Business, and between unlike ones (facts §3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulator.errors import ConfigurationError, ExpectationFailed
from simulator.federation import Federation
from simulator.partner import SFB_2019
from simulator.partner.personas import Persona, persona_named

Wire = Callable[[str], list[str]]
GENERIC = persona_named("generic")
PIDF = "application/pidf+xml"
ENHANCED = "application/msrtc-event-categories+xml"
MSRTC = "text/xml+msrtc.pidf"


def test_the_first_state_is_in_the_200_and_updates_get_no_answer(federation: Federation, wire: Wire) -> None:
    """Piggyback and BENOTIFY, where both sides know them (MS-SIP 3.4, 3.5)."""
    bob, berta = (federation.partner().user(name) for name in ("bob", "berta"))

    watch = bob.watch(berta)
    assert watch.expect("available", came_by="SUBSCRIBE").content_type == ENHANCED
    berta.set_presence("busy")

    watch.expect("busy", came_by="BENOTIFY")
    assert not wire("NOTIFY "), "the first notification was in the 200"
    (benotify,) = wire("BENOTIFY ")
    assert "CSeq: 2 BENOTIFY" in benotify
    assert not [answer for answer in wire("SIP/2.0") if "BENOTIFY" in answer]


def test_a_server_without_the_extensions_gets_plain_subscriptions(federation: Federation, wire: Wire) -> None:
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")

    watch = bob.watch(alice)

    assert watch.expect("available", came_by="NOTIFY").content_type == PIDF
    (subscribe,) = wire("SUBSCRIBE ")
    assert "Proxy-Require: ms-benotify" in subscribe
    assert "<batchSub" in subscribe
    assert "\r\nExpires:" not in subscribe


def test_a_420_is_followed_by_a_subscription_without_the_extension(federation: Federation, wire: Wire) -> None:
    """MS-SIP 3.5.5.1: the watcher does without BENOTIFY."""
    plain = SFB_2019.but(name="without-benotify", benotify=False, required_ok=())
    bob, berta = federation.partner().user("bob"), federation.partner(plain).user("berta")

    watch = bob.watch(berta)

    watch.outcome.must_succeed()
    first, second = wire("SUBSCRIBE ")
    assert "ms-benotify" in first
    assert "ms-benotify" not in second
    (refused,) = wire("SIP/2.0 420")
    assert "Unsupported: ms-benotify" in refused
    berta.set_presence("busy")
    watch.expect("busy", came_by="NOTIFY")


FORMATS = (ENHANCED, MSRTC, PIDF, "application/xpidf+xml")


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("state", ["available", "busy", "away", "be-right-back", "offline"])
def test_every_format_is_understood_by_the_watcher(federation: Federation, format_: str, state: str) -> None:
    writes_only = SFB_2019.but(name="one-format", presence_formats=(format_,), presence_accept=FORMATS)
    bob, berta = federation.partner(writes_only).user("bob"), federation.partner().user("berta")
    bob.set_presence(state, display_name="Bob B.")

    seen = berta.watch(bob).expect(came_by="SUBSCRIBE")

    assert seen.content_type == format_
    coarse = {"be-right-back": "away"} if format_ == PIDF else {}
    assert seen.state is not None
    assert seen.state.availability == coarse.get(state, state)


def test_the_notifier_chooses_by_its_own_preference(federation: Federation) -> None:
    """MS-PRES 1.3.3: what the watcher names first does not matter."""
    old_gateway = SFB_2019.but(
        name="old-gateway", presence_accept=("application/xpidf+xml", MSRTC, PIDF), category_list=(), benotify=False
    )
    bob, berta = federation.partner(old_gateway).user("bob"), federation.partner().user("berta")

    assert bob.watch(berta).expect("available").content_type == MSRTC


def test_a_watcher_that_takes_none_of_the_formats_gets_406(federation: Federation) -> None:
    """Office Communicator 2007 R2 names no PIDF at all (dialect facts §3.1)."""
    communicator = SFB_2019.but(
        name="communicator", presence_accept=(ENHANCED, "application/rlmi+xml", "multipart/related")
    )
    bob = federation.partner(communicator).user("bob")

    bob.watch(federation.sut.user("alice")).outcome.must_fail(status=406)


def test_only_what_has_changed_is_sent_and_the_rest_is_remembered(federation: Federation, wire: Wire) -> None:
    exact = SFB_2019.but(name="no-jitter", subscription_jitter=0)
    bob, berta = (federation.partner(exact).user(name) for name in ("bob", "berta"))
    berta.set_presence("available", note="In the lab", display_name="Berta")
    watch = bob.watch(berta)
    watch.expect("available", note="In the lab", display_name="Berta")

    berta.set_presence("busy", activity="on-the-phone", note="In the lab", display_name="Berta")

    watch.expect("busy", activity="on-the-phone", note="In the lab", display_name="Berta")
    assert "In the lab" not in wire("BENOTIFY ")[-1]
    berta.set_presence("busy", display_name="Berta")
    watch.expect("busy", note="", activity="")
    assert "Berta</displayName>" not in wire("BENOTIFY ")[-1]
    federation.advance(28750)
    watch.expect("busy")  # what follows a refresh
    assert "Berta</displayName>" in wire("BENOTIFY ")[-1], "it says everything again"


def test_the_granted_time_is_about_eight_hours_and_not_always_the_same(federation: Federation, wire: Wire) -> None:
    partner = federation.partner()
    other = federation.partner()
    for number in range(4):
        partner.user(f"bob{number}").watch(other.user("berta")).outcome.must_succeed()

    granted = {line for answer in wire("SIP/2.0 200") for line in answer.split("\r\n") if line.startswith("Expires:")}

    assert len(granted) > 1
    assert all(23900 <= int(line.partition(":")[2]) <= 28800 for line in granted)


def test_a_subscription_lives_on_over_days_in_both_directions(federation: Federation, wire: Wire) -> None:
    """It is refreshed before it runs out, and each notification extends it (MS-SIP 3.6)."""
    bob, berta = (federation.partner().user(name) for name in ("bob", "berta"))
    watch = bob.watch(berta)
    watch.expect("available")

    for _ in range(3):
        federation.advance(20000)
        berta.set_presence("busy")
        watch.expect("busy")
        berta.set_presence("available")
        watch.expect("available")
    assert len(wire("SUBSCRIBE ")) == 1, "every notification extended it"
    granted = next(line for line in wire("SIP/2.0 200")[0].split("\r\n") if line.startswith("Expires:"))
    federation.advance(int(granted.partition(":")[2]) - 30)
    watch.expect("available")  # what follows a refresh
    assert len(wire("SUBSCRIBE ")) == 2


def test_polling_is_answered_or_refused_by_a_switch(federation: Federation) -> None:
    polled = SFB_2019.but(name="polled", fetch_status=0)
    alice = federation.sut.user("alice")

    alice.watch(federation.partner().user("bob"), once=True).outcome.must_fail(status=403)
    alice.watch(federation.partner(polled).user("bob"), once=True).expect("available")


def test_a_fetch_shows_the_state_once(federation: Federation) -> None:
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")

    watch = bob.watch(alice, once=True)

    watch.expect("available")
    watch.expect_state("terminated")
    alice.set_presence("busy")
    alice.chat_with(bob).say("fence").must_succeed()
    bob.expect_message("fence")
    watch.must_not_have_seen("busy")


@pytest.mark.parametrize("persona", [SFB_2019, GENERIC], ids=lambda persona: persona.name)
def test_consent_is_asked_for_granted_and_taken_back(federation: Federation, persona: Persona) -> None:
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    bob.consent("ask")

    watch = alice.watch(bob)

    watch.expect_state("pending")
    bob.expect_watcher(alice)
    bob.set_presence("busy")
    bob.grant(alice)
    watch.expect_state("active")
    watch.expect("busy")
    bob.deny(alice)
    watch.expect_state("terminated", reason="rejected")
    alice.watch(bob).outcome.must_fail(status=403)


def test_consent_between_two_of_microsofts(federation: Federation) -> None:
    """Pending in the 200 to SUBSCRIBE, and the state by BENOTIFY once it is granted."""
    bob, berta = (federation.partner().user(name) for name in ("bob", "berta"))
    berta.consent("ask")

    watch = bob.watch(berta)

    watch.expect_state("pending")
    berta.grant(bob)
    watch.expect("available", came_by="BENOTIFY")
    assert watch.outcome.status == 202


def test_who_is_denied_from_the_start_is_refused(federation: Federation) -> None:
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    bob.deny(alice)

    alice.watch(bob).outcome.must_fail(status=403)
    assert bob.expect_watcher() == alice.uri


def test_several_are_watched_with_one_subscription(federation: Federation, wire: Wire) -> None:
    """A batch is answered with a list (MS-PRES 2.2.2.4.1, RFC 4662)."""
    here, there = federation.partner(), federation.partner()
    bob = here.user("bob")
    berta, carl, dora = (there.user(name) for name in ("berta", "carl", "dora"))
    dora.consent("ask")
    carl.set_presence("away")

    of_berta, of_carl, of_dora = bob.watch_all(berta, carl, dora)

    of_berta.expect("available")
    of_carl.expect("away")
    carl.set_presence("busy", note="again")
    of_carl.expect("busy", note="again", came_by="BENOTIFY")
    assert len(wire("SUBSCRIBE ")) == 1
    assert "multipart/related" in wire("BENOTIFY ")[0]
    with pytest.raises(ExpectationFailed, match=r"notification without a state \(pending\)"):
        of_dora.expect("available", within=0.01)
    dora.grant(bob)
    of_dora.expect("available")
    of_berta.stop().must_succeed()


def test_a_server_that_knows_no_lists_says_so(federation: Federation) -> None:
    alice, anna = federation.sut.user("alice"), federation.sut.user("anna")

    alone, _ = federation.partner().user("bob").watch_all(alice, anna)

    alone.outcome.must_fail(status=420)


def test_a_benotify_outside_of_any_subscription_is_taken_without_an_answer(federation: Federation, wire: Wire) -> None:
    """Neither 481 nor 405, for nobody answers a BENOTIFY (MS-SIP 3.5.5.3)."""
    partner = federation.partner()
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    account = partner.agent.accounts[bob.uri]

    async def send() -> None:
        request = partner.agent.writer.initial_request("BENOTIFY", account, alice.uri)
        (await partner.agent.link_to_user(alice.uri)).send_one_way(request)

    partner._loop.run(send())
    bob.chat_with(alice).say("fence").must_succeed()

    alice.expect_message("fence")
    assert wire("BENOTIFY ")
    assert not [answer for answer in wire("SIP/2.0") if "BENOTIFY" in answer]


def test_states_of_teams_are_seen_by_their_watchers(federation: Federation) -> None:
    alice, bob = federation.sut.user("alice"), federation.partner("teams").user("bob")
    watch = alice.watch(bob)
    watch.expect("available")

    bob.set_presence("In a meeting")

    watch.expect("busy", activity="in-a-meeting")


def test_misses_name_what_came_nearest(federation: Federation) -> None:
    bob, berta = (federation.partner().user(name) for name in ("bob", "berta"))
    berta.set_presence("busy", note="In the lab")
    watch = bob.watch(berta)

    with pytest.raises(
        ExpectationFailed,
        match=r"as busy with note 'At home' within 0.01 s; it saw last busy, note 'In the lab' \(application/msrtc.* "
        r"by SUBSCRIBE\); the nearest had note 'In the lab' instead of 'At home'\.",
    ):
        watch.expect("busy", note="At home", within=0.01)
    with pytest.raises(ExpectationFailed, match=r"was to be terminated within 0.01 s; it was active, and .* accepted"):
        watch.expect_state("terminated", within=0.01)
    with pytest.raises(ConfigurationError, match="there is no 'bussy'; there are: available, "):
        watch.expect("bussy")
    with pytest.raises(ConfigurationError, match="'over' is none of pending"):
        watch.expect_state("over")


def test_a_subscription_that_the_other_side_has_lost_is_made_anew(federation: Federation, wire: Wire) -> None:
    """481 to a refresh (RFC 6665 §4.1.2.2): the watcher begins again, and sees what changes from then on."""
    forgetful = SFB_2019.but(name="forgetful", subscription_jitter=0, subscription_seconds=600)
    bob, berta = federation.partner().user("bob"), federation.partner(forgetful).user("berta")
    watch = bob.watch(berta)
    watch.expect("available")
    berta.forget_watchers()
    berta.set_presence("busy")

    federation.advance(580)

    watch.expect("busy")
    berta.set_presence("away")
    watch.expect("away")
    assert len(wire("SIP/2.0 481")) == 1


def test_a_refresh_before_its_time_is_notified_in_the_same_subscription(federation: Federation, wire: Wire) -> None:
    bob, alice = federation.partner("generic").user("bob"), federation.sut.user("alice")
    watch = bob.watch(alice)
    watch.expect("available")

    watch.refresh().must_succeed()

    watch.expect("available")
    asked = {request.partition("Call-ID: ")[2].split("\r\n")[0] for request in wire("SUBSCRIBE")}
    assert len(wire("SUBSCRIBE")) == 2
    assert len(asked) == 1


def test_what_is_watched_no_more_cannot_be_refreshed(federation: Federation) -> None:
    bob, alice = federation.partner().user("bob"), federation.sut.user("alice")
    watch = bob.watch(alice)
    watch.expect("available")
    watch.stop().must_succeed()

    refused = watch.refresh().must_fail()

    assert "does not watch" in refused.reason


def test_a_watcher_that_has_lost_its_subscription_gets_nothing_more(federation: Federation, wire: Wire) -> None:
    bob, alice = federation.partner().user("bob"), federation.sut.user("alice")
    watch = bob.watch(alice)
    watch.expect("available")
    watch.forget()

    alice.set_presence("busy")
    again = bob.watch(alice)

    again.expect("busy")
    assert len(wire("SIP/2.0 481")) == 1


def test_a_notification_can_overtake_the_answer(federation: Federation, wire: Wire) -> None:
    hasty = SFB_2019.but(name="hasty", notify_overtakes=True)
    alice, bob = federation.sut.user("alice"), federation.partner(hasty).user("bob")

    alice.watch(bob).expect("available", came_by="NOTIFY")

    first, second = (answer.partition("CSeq: ")[2].split("\r\n")[0] for answer in wire("SIP/2.0 200"))
    assert first.endswith("NOTIFY")
    assert second.endswith("SUBSCRIBE")
