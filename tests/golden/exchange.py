"""Everything that a persona sends, once: a recorded federation with a server and with another partner."""

from __future__ import annotations

from simulator.federation import Federation
from simulator.partner import SFB_2019, FederationPolicy, Partner, Proxy
from simulator.partner.personas import Persona

PICKY = SFB_2019.but(name="picky", presence_accept=("application/x-nothing",), category_list=())


def exchange(federation: Federation, persona: Persona) -> tuple[Partner, Partner]:
    """Let a partner of this persona send every kind of message it knows; the other partner is Skype for Business."""
    partner = federation.partner(persona.but(subscription_jitter=0))
    other = federation.partner(SFB_2019, policy=knowing(partner))
    partner.edge.probe()
    _chat_with_the_server(federation, partner)
    _chat_with_the_other(partner, other)
    _refuse(federation, partner, other)
    _is_watched(federation, partner, other)
    _watches(federation, partner, other)
    return partner, other


def knowing(partner: Partner) -> FederationPolicy:
    """The lists of an edge that knows this partner's, which for Teams lies in no tenant's domain."""
    policy = FederationPolicy()
    policy.allow(partner.domain, Proxy(partner.edge.fqdn, partner.edge.port))
    return policy


def _chat_with_the_server(federation: Federation, partner: Partner) -> None:
    alice, bob = federation.sut.user("alice"), partner.user("bob")
    for user in (alice, bob):
        user.ignores("messages", "typing", "offers")
    to_alice, to_bob = bob.chat_with(alice), alice.chat_with(bob)
    to_alice.say("Hello Alice").must_succeed()
    to_alice.say("How are you?").must_succeed()
    to_alice.typing()
    to_alice.stops_typing()
    to_bob.say("Hello Bob").must_succeed()
    to_bob.typing()
    for form in ("plain+font", "html", "rtf", "alternative"):
        to_alice.say("two\nlines", form=form).must_succeed()
    to_alice.close()


def _chat_with_the_other(partner: Partner, other: Partner) -> None:
    bob, carl = partner.user("bob"), other.user("carl")
    carl.ignores("messages", "typing", "offers")
    to_carl, to_bob = bob.chat_with(carl), carl.chat_with(bob)
    to_carl.say("Hello Carl").must_succeed()
    to_carl.say("How are you?").must_succeed()
    if partner.persona.dialect.im == "session":
        to_carl.reopen().must_succeed()
    to_carl.close()
    to_bob.say("Hello Bob").must_succeed()
    to_bob.reopen(same_conversation=True)
    to_bob.close()
    carl.answers_when_told()
    if partner.persona.dialect.im == "session":
        saying = to_carl.start_saying("Nobody answers")
        carl.expect_invitation()
        saying.cancel()
        saying.outcome().must_fail(status=487)
    carl.answers_when_told(False)


def _refuse(federation: Federation, partner: Partner, other: Partner) -> None:
    alice, bob, carl = federation.sut.user("alice"), partner.user("bob"), other.user("carl")
    carl.offers(bob, "audio").must_fail()
    carl.watch(f"nobody@{partner.domain}").outcome.must_fail(status=404)
    alice.chat_with(f"nobody@{partner.domain}").say("Anybody?").must_fail(status=404)
    picky = federation.partner(PICKY, policy=knowing(partner))
    picky.user("dora").watch(bob).outcome.must_fail(status=406)
    bob.answers_when_told()
    saying = carl.chat_with(bob).start_saying("Are you there?")
    bob.expect_invitation().decline(603)
    saying.outcome().must_fail(status=603)
    bob.answers_when_told(False)


def _is_watched(federation: Federation, partner: Partner, other: Partner) -> None:
    alice, bob, carl = federation.sut.user("alice"), partner.user("bob"), other.user("carl")
    bob.set_presence("available", note="In the lab")
    for watcher in (alice, carl):
        watch = watcher.watch(bob)
        watch.expect("available")
        bob.set_presence("busy", activity="on-the-phone", note="In the lab")
        watch.expect("busy")
        bob.set_presence("available", note="In the lab")
        watch.expect("available")
        watch.stop().must_succeed()
        watch.expect_state("terminated")
    alice.watch(bob, once=True)
    bob.consent("ask")
    watch = carl.watch(bob)
    watch.expect_state("pending")
    bob.grant(carl)
    watch.expect("available")
    bob.deny(carl)
    watch.expect_state("terminated")
    carl.watch(bob).outcome.must_fail(status=403)


def _watches(federation: Federation, partner: Partner, other: Partner) -> None:
    alice, bob, carl = federation.sut.user("alice"), partner.user("bob"), other.user("carl")
    bob.watch(carl, once=True)
    bob.watch_all(carl, other.user("dora"))
    watch = bob.watch(alice)
    watch.expect("available")
    federation.advance(3550)
    watch.expect("available")  # what follows a refresh
    watch.stop().must_succeed()


def negotiation(federation: Federation, persona: Persona) -> Partner:
    """A partner whose first word on a connection is an offer of compression (dialect facts §1.3)."""
    partner = federation.partner(persona.but(offer_compression=True))
    partner.edge.probe()
    return partner
