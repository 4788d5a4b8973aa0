"""Presence between users of the server under test and users of a partner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from simulator.scenarios import Case, cases, happened, scenario
from simulator.scenarios.presence_cases import (
    ACCEPT_LISTS,
    EXPIRIES,
    FORMATS,
    GRANTS,
    REFUSALS,
    STATES_OF_PARTNERS,
    STATES_OF_USERS,
    must_each_see_their_own,
    must_show,
    server_notifies,
    without_extensions,
)
from simulator.scenarios.traffic import answers_of, answers_to, must_be_told, requests_to

if TYPE_CHECKING:
    from simulator.federation import Federation
    from simulator.partner import Partner
    from simulator.sip.message import Response


NEEDS = ("presence", "open-federation")
SHOWN = ("show-presence", "open-federation")
STATES = ("busy", "away", "offline", "available")
PERSONAS = ("sfb-2019", "teams", "generic")


def joined(federation: Federation, kind: str) -> Partner:
    return federation.direct_partner() if kind == "direct" else federation.partner()


# -- what is shown ------------------------------------------------------------------------------------------------


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


# -- the life of a partner's subscription -------------------------------------------------------------------------


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


# -- the life of a user's subscription ----------------------------------------------------------------------------


@scenario(level="must", sources=("R1", "RFC 6665 §4.1.2.2"), needs=(*NEEDS, "time"))
@cases("seconds", *GRANTS)
def test_user_watches_for_long(federation: Federation, seconds: int) -> None:
    """The server refreshes what its users watch in time, however long the partner grants."""
    from simulator.partner import SFB_2019

    partner = federation.partner(
        SFB_2019.but(name="grants", subscription_seconds=seconds, subscription_jitter=0, autoextend=False)
    )
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    bob.set_presence("available")
    watch = alice.watch(bob)
    watch.expect("available")

    for _ in range(3):
        federation.advance(_nearly(answers_of(federation, partner, "SUBSCRIBE")[-1]))
        watch.expect("available")  # follows every refresh (RFC 6665 §4.2.1.2)
    bob.set_presence("busy")

    watch.expect("busy")


@scenario(level="must", sources=("R1", "RFC 6665 §4.1.2.3"), needs=NEEDS)
def test_user_stops_watching(federation: Federation) -> None:
    """A user who watches no more is not shown changes, and the partner is told."""
    partner = federation.partner()
    alice, anna, bob = federation.sut.user("alice"), federation.sut.user("anna"), partner.user("bob")
    bob.set_presence("available")
    watch, other = alice.watch(bob), anna.watch(bob)
    watch.expect("available")
    other.expect("available")

    watch.stop().must_succeed()
    bob.set_presence("busy")

    other.expect("busy")
    watch.must_not_have_seen("busy")
    ended = [one for one in requests_to(federation, partner, "SUBSCRIBE") if one.expires == 0]
    assert ended, "the partner got no SUBSCRIBE with Expires 0 when the user stopped watching"


@scenario(level="must", sources=("RFC 6665 §4.4.1", "dialect §3.3"), needs=NEEDS)
def test_notification_before_the_answer(federation: Federation) -> None:
    """A NOTIFY that overtakes the 200 to SUBSCRIBE is taken, and so are those that follow."""
    from simulator.partner import SFB_2019

    partner = federation.partner(SFB_2019.but(name="hasty", notify_overtakes=True))
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    bob.set_presence("busy")

    watch = alice.watch(bob)

    watch.expect("busy")
    bob.set_presence("away")
    watch.expect("away")


@scenario(level="must", sources=("F5.3", "dialect §3.2"), needs=NEEDS)
@cases("persona", *PERSONAS)
def test_partners_user_is_asked_for_consent(federation: Federation, persona: str) -> None:
    """While a partner's user has not decided the watcher is shown nothing, and once it is allowed the state."""
    alice, bob = federation.sut.user("alice"), federation.partner(persona).user("bob")
    bob.consent("ask")
    bob.set_presence("busy")

    watch = alice.watch(bob)

    watch.outcome.must_succeed()
    bob.expect_watcher(alice)
    watch.must_not_have_seen("busy")
    bob.grant(alice)
    watch.expect("busy")
    bob.set_presence("away")
    watch.expect("away")


@scenario(level="must", sources=("F5.3", "RFC 6665 §4.1.3"), needs=NEEDS)
def test_partners_user_denies_later(federation: Federation) -> None:
    """A subscription that the partner ends with `rejected` is over: nothing is shown, and it is not tried again."""
    partner = federation.partner()
    alice, anna, bob = federation.sut.user("alice"), federation.sut.user("anna"), partner.user("bob")
    bob.set_presence("available")
    watch, other = alice.watch(bob), anna.watch(bob)
    watch.expect("available")
    other.expect("available")

    bob.deny(alice)
    bob.set_presence("busy")

    other.expect("busy")
    watch.must_not_have_seen("busy")
    tries = [one for one in requests_to(federation, partner, "SUBSCRIBE") if one.from_.parsed_uri.aor == alice.uri]
    assert len(tries) == 1, f"after `rejected` the server subscribed {len(tries) - 1} times more (RFC 6665 §4.1.3)"


@scenario(level="must", sources=("F1.32", "dialect §3.2"), needs=NEEDS)
@cases("prepare, status", *REFUSALS)
def test_refused_subscription(federation: Federation, prepare: str, status: int) -> None:
    """A user who cannot watch {prepare} is told so, and still watches somebody else."""
    partner = federation.partner()
    tenant = partner.tenant(partner.domain)
    alice, berta = federation.sut.user("alice"), partner.user("berta")
    whom = f"{prepare}@{partner.domain}"
    if prepare != "nobody":
        partner.user(prepare)
    if prepare == "denies":
        partner.user("denies").deny(alice)
    elif prepare == "away":
        tenant.sign_out("away")
    elif prepare == "excluded":
        tenant.policy.user("excluded").enable_federation_access = False

    must_be_told(alice.watch(whom).outcome, status)

    berta.set_presence("busy")
    alice.watch(berta).expect("busy")


@scenario(
    level="should",
    sources=("R1", "RFC 6665 §4.1.2.2"),
    needs=(*NEEDS, "time"),
    outcomes={
        "subscribed anew": "ok",
        "given up": (
            "tolerable",
            "RFC 6665 §4.1.2.2 says that the subscription is over, and leaves open what follows.",
        ),
    },
)
def test_partner_that_restarts(federation: Federation) -> None:
    """A partner that has forgotten the subscription answers the refresh with 481, and the server subscribes anew."""
    from simulator.partner import GENERIC

    partner = federation.partner(GENERIC.but(name="restarts", subscription_seconds=600))
    alice, anna, bob = federation.sut.user("alice"), federation.sut.user("anna"), partner.user("bob")
    bob.set_presence("available")
    watch = alice.watch(bob)
    watch.expect("available")
    bob.forget_watchers()

    federation.advance(580)
    anna.watch(bob).expect("available")  # what was due has gone out before

    began = [one for one in requests_to(federation, partner, "SUBSCRIBE") if one.to.tag is None]
    anew = [one for one in began if one.from_.parsed_uri.aor == alice.uri][1:]
    assert len(anew) <= 2, f"the server subscribed {len(anew)} times more"
    happened("subscribed anew" if anew else "given up")


def _shortly_before_the_end(federation: Federation, partner: Partner) -> float:
    """Seconds until the watcher refreshes what was granted to it last, and before the server lets it run out."""
    return _nearly(answers_to(federation, partner, "SUBSCRIBE")[-1])


def _nearly(answer: Response) -> float:
    """Most of the seconds that a 200 grants: past the refresh, and short of the end."""
    granted = answer.expires
    assert granted, "the 200 to SUBSCRIBE names no time"
    return granted - 30 if granted > 120 else granted * 0.75
