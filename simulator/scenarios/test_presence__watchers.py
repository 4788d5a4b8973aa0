"""The subscriptions of a partner's users to users of the server, from the SUBSCRIBE to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.scenarios import cases, happened, scenario
from simulator.scenarios.presence_cases import EXPIRIES, server_notifies, until_the_end
from simulator.scenarios.traffic import answers_of, answers_to, requests_to

if TYPE_CHECKING:
    from simulator.federation import Federation
    from simulator.partner import Partner


NEEDS = ("presence", "open-federation")
SHOWN = ("show-presence", "open-federation")
PERSONAS = ("sfb-2019", "teams", "generic")


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


@scenario(level="must", sources=("RFC 6665 §4.2.1.1",), needs=SHOWN)
@cases("seconds", *EXPIRIES)
def test_granted_time(federation: Federation, seconds: int) -> None:
    """A subscription is granted for as long as the watcher asks or shorter, and the 200 says for how long."""
    from simulator.partner import GENERIC

    partner = federation.partner(GENERIC.but(name="asks", subscription_seconds=seconds))

    watch = partner.user("bob").watch(federation.sut.user("alice"))

    watch.expect()
    granted = answers_to(federation, partner, "SUBSCRIBE")[-1].expires
    assert granted is not None, "the 200 to SUBSCRIBE has no Expires (RFC 6665 §4.2.1.1)"
    assert 0 < granted <= seconds, f"the server grants {granted} s to a watcher who asked for {seconds} s"


@scenario(level="must", sources=("RFC 6665 §4.2.1.1", "dialect §3.2"), needs=SHOWN)
def test_granted_time_of_a_watcher_who_leaves_it_open(federation: Federation) -> None:
    """A SUBSCRIBE without Expires, as Skype for Business sends it, is granted a time that the 200 names."""
    partner = federation.partner()

    partner.user("bob").watch(federation.sut.user("alice")).expect()

    assert answers_to(federation, partner, "SUBSCRIBE")[-1].expires, "the 200 to SUBSCRIBE names no time"


@scenario(level="must", sources=("R1", "RFC 6665 §4.2.1.2"), needs=(*SHOWN, "time"))
@cases("persona", *PERSONAS)
def test_refresh(federation: Federation, persona: str) -> None:
    """A subscription that its watcher refreshes lives on, and each refresh is told the state anew."""
    partner = federation.partner(persona)
    watch = partner.user("bob").watch(federation.sut.user("alice"))
    watch.expect()

    for _ in range(3):
        federation.advance(_shortly_before_the_end(federation, partner))
        watch.expect()

    refused = [answer for answer in answers_to(federation, partner, "SUBSCRIBE")[-3:] if answer.status != 200]
    assert not refused, f"a refresh was answered {refused[0].status} {refused[0].reason}"
    call_ids = {answer.call_id for answer in answers_to(federation, partner, "SUBSCRIBE") if answer.status == 200}
    assert len(call_ids) == 1, "the partner had to subscribe anew"


@scenario(level="must", sources=("R1", "RFC 6665 §4.2.1.2"), needs=(*NEEDS, "time"))
def test_change_after_a_refresh(federation: Federation) -> None:
    """A change long after the subscription began, and was refreshed, still reaches the watcher."""
    partner = federation.partner("generic")
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    watch = bob.watch(alice)
    watch.expect("available")
    for _ in range(2):
        federation.advance(_shortly_before_the_end(federation, partner))
        watch.expect("available")

    alice.set_presence("busy")

    watch.expect("busy")


@scenario(level="must", sources=("RFC 6665 §4.2.2",), needs=(*NEEDS, "time"))
def test_subscription_that_nobody_refreshes_runs_out(federation: Federation) -> None:
    """A watcher who is gone and refreshes no more is told nothing after the granted time."""
    from simulator.partner import GENERIC

    gone, there = federation.partner(GENERIC.but(name="short", subscription_seconds=120)), federation.partner()
    alice = federation.sut.user("alice")
    lost, other = gone.user("bob").watch(alice), there.user("berta").watch(alice)
    lost.expect("available")
    other.expect("available")
    lost.forget()

    federation.advance(minutes=15)
    alice.set_presence("busy")
    other.expect("busy")

    late = [notify for notify in requests_to(federation, gone, "NOTIFY", "BENOTIFY") if b"busy" in notify.body]
    assert not late, "the server still notifies a watcher whose subscription ran out long ago"


@scenario(level="must", sources=("RFC 6665 §4.2.2", "dialect §3.3"), needs=NEEDS)
def test_watcher_that_lost_its_subscription(federation: Federation) -> None:
    """A watcher who answers a notification with 481 gets no further one, and others still do."""
    gone, there = federation.partner("generic"), federation.partner()
    alice = federation.sut.user("alice")
    lost, other = gone.user("bob").watch(alice), there.user("berta").watch(alice)
    lost.expect("available")
    other.expect("available")
    lost.forget()

    for state in ("busy", "away", "offline", "busy"):
        alice.set_presence(state)
        other.expect(state)

    refused = answers_of(federation, gone, "NOTIFY")
    ends = [answer for answer in refused if answer.status == 481]
    assert len(ends) <= 2, f"the server went on notifying, and was answered 481 {len(ends)} times"


@scenario(level="must", sources=("R1", "dialect §3.3"), needs=SHOWN)
@cases("persona", *PERSONAS)
def test_watcher_that_restarts(federation: Federation, persona: str) -> None:
    """A watcher who has forgotten everything subscribes again and sees the state, and what follows."""
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    before = bob.watch(alice)
    before.expect()
    before.forget()

    again = bob.watch(alice)

    again.expect()
    server_notifies(federation, alice, again, "busy")


@scenario(level="must", sources=("RFC 6665 §4.2.1.4",), needs=SHOWN)
@cases("persona", *PERSONAS)
def test_unsubscribing_is_confirmed(federation: Federation, persona: str) -> None:
    """Who unsubscribes is answered with 2xx and gets the last notification, which says that it is over."""
    watch = federation.partner(persona).user("bob").watch(federation.sut.user("alice"))
    watch.expect()

    watch.stop().must_succeed()

    watch.expect_state("terminated")


@scenario(level="must", sources=("R1",), needs=SHOWN)
def test_watching_again_after_the_end(federation: Federation) -> None:
    """Who has unsubscribed can subscribe again."""
    alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
    for _ in range(3):
        watch = bob.watch(alice)
        watch.expect()
        watch.stop().must_succeed()


@scenario(
    level="should",
    sources=("RFC 6665 §4.4.3", "dialect §3.3"),
    needs=SHOWN,
    outcomes={
        "delivered": "ok",
        "failed 403": ("tolerable", "Skype for Business Server refuses polling by default."),
        "failed 489": ("tolerable", "Polling is refused, though with a status that means another thing."),
    },
)
@cases("persona", "sfb-2019", "generic")
def test_fetch(federation: Federation, persona: str) -> None:
    """Who subscribes with Expires 0 is told the state once, or refused."""
    watch = federation.partner(persona).user("bob").watch(federation.sut.user("alice"), once=True)

    happened(watch.outcome)
    if watch.outcome.delivered:
        watch.expect()
        watch.expect_state("terminated")


@scenario(level="must", sources=("RFC 6665 §4.4.3",), needs=NEEDS)
def test_fetch_leaves_nothing_behind(federation: Federation) -> None:
    """After a fetch no change is sent."""
    alice, partner = federation.sut.user("alice"), federation.partner()
    fetched, other = partner.user("bob").watch(alice, once=True), partner.user("berta").watch(alice)
    other.expect("available")

    alice.set_presence("busy")

    other.expect("busy")
    fetched.must_not_have_seen("busy")


@scenario(
    level="must",
    sources=("RFC 3261 §8.2.2.3", "dialect §3.2"),
    needs=SHOWN,
    outcomes={"delivered": "ok", "failed 420": "ok", "failed 403": "ok"},
)
def test_batch_for_several(federation: Federation) -> None:
    """A SUBSCRIBE for several people at once that requires lists is served with a list, or refused as a whole."""
    alice, anna = federation.sut.user("alice"), federation.sut.user("anna")
    bob = federation.partner().user("bob")

    of_alice, of_anna = bob.watch_all(alice, anna)

    happened(of_alice.outcome)
    if of_alice.outcome.delivered:
        of_alice.expect()
        of_anna.expect()
    else:
        bob.watch(alice).expect()
        bob.watch(anna).expect()


@scenario(level="must", sources=("F5.3",), needs=(*NEEDS, "consent"))
@cases("persona", *PERSONAS)
def test_user_is_asked_for_consent(federation: Federation, persona: str) -> None:
    """A watcher waits while the user has not decided, sees nothing, and sees the state once the user allows it."""
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    alice.consent("ask")
    alice.set_presence("busy")

    watch = bob.watch(alice)

    watch.expect_state("pending")
    watch.must_not_have_seen("busy")
    alice.expect_watcher(bob)
    alice.grant(bob)
    watch.expect("busy")


@scenario(level="must", sources=("F5.3", "RFC 6665 §4.1.3"), needs=(*NEEDS, "consent"))
def test_user_denies_a_watcher(federation: Federation) -> None:
    """A watcher whom the user denies is told so, sees nothing, and others are not touched."""
    alice, partner = federation.sut.user("alice"), federation.partner()
    bob, berta = partner.user("bob"), partner.user("berta")
    alice.consent("ask")
    watch, other = bob.watch(alice), berta.watch(alice)
    watch.expect_state("pending")
    alice.grant(berta)
    other.expect("available")

    alice.deny(bob)

    watch.expect_state("terminated", reason="rejected")
    alice.set_presence("busy")
    other.expect("busy")
    watch.must_not_have_seen("busy")


def _shortly_before_the_end(federation: Federation, partner: Partner) -> float:
    """Seconds until the watcher refreshes what was granted to it last, and before the server lets it run out."""
    return until_the_end(answers_to(federation, partner, "SUBSCRIBE")[-1])
