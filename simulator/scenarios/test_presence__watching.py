"""The subscriptions of the server's users to users of a partner, from the SUBSCRIBE to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.errors import ExpectationFailed
from simulator.scenarios import cases, happened, scenario
from simulator.scenarios.presence_cases import GRANTS, REFUSALS, until_the_end
from simulator.scenarios.traffic import answers_of, must_be_told, requests_to

if TYPE_CHECKING:
    from simulator.federation import Federation


NEEDS = ("presence", "open-federation")
PERSONAS = ("sfb-2019", "teams", "generic")


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
        granted = answers_of(federation, partner, "SUBSCRIBE")
        federation.advance(until_the_end(granted[-1]))
        try:
            watch.expect("available")  # follows every refresh (RFC 6665 §4.2.1.2)
        except ExpectationFailed:
            if len(answers_of(federation, partner, "SUBSCRIBE")) > len(granted):
                raise
            raise ExpectationFailed(
                f"The server must refresh what {alice.uri} watches before the {granted[-1].expires} s are over that "
                f"the partner grants, but after {len(granted)} SUBSCRIBE no other one has come."
            ) from None
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
