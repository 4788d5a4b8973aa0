"""The policy of a Skype for Business edge: lists, discovery, verification levels, users (F1.1–F1.8, F4.1–F4.7)."""

from __future__ import annotations

import pytest

from simulator.errors import ConfigurationError
from simulator.federation import Federation
from simulator.io.peering import NotFederated, StaticWay
from simulator.io.user import User
from simulator.names import Fqdn, SipDomain
from simulator.partner import SFB_2019, FederationPolicy, Partner, Proxy
from tests.partner.by_hand import listening
from tests.partner.edges import rules_of

ACME = SipDomain.parse("acme.test")
BOB = "sip:bob@fabrikam.test"


def talk(federation: Federation, partner: Partner, name: str = "bob") -> tuple[bool, bool]:
    """Whether a message of the server's Alice comes in, and one of the partner's user goes out."""
    alice, user = listening(federation.sut.user("alice")), listening(partner.user(name))
    inward = alice.chat_with(user).say("in").delivered
    return inward, user.chat_with(alice).say("out").delivered


def test_a_listed_domain_takes_part_without_discovery_and_by_its_proxy_without_a_record(
    federation: Federation,
) -> None:
    """The three kinds of partner: discovered, allowed, allowed with ProxyFqdn (F1.1)."""
    policy = FederationPolicy(partner_discovery=False)
    partner = federation.partner(policy=policy)
    assert talk(federation, partner) == (False, False)

    policy.allow(str(federation.sut.domain))
    assert talk(federation, partner) == (True, True)

    policy.allow(federation.sut.domain, Proxy(federation.sut.fqdn, federation.sut.port))
    assert talk(federation, partner) == (True, True)
    assert isinstance(partner.rules.way_to(federation.sut.domain), StaticWay)


def test_a_blocked_domain_is_off_the_moment_it_is_blocked(federation: Federation) -> None:
    partner = federation.partner()
    assert talk(federation, partner) == (True, True)

    partner.policy.block("ACME.test.")
    assert talk(federation, partner) == (False, False)

    partner.policy.remove("acme.test")
    assert talk(federation, partner) == (True, True)


def test_the_organisation_may_federate_with_nobody(federation: Federation) -> None:
    partner = federation.partner()
    partner.policy.allow_federated_users = False

    assert talk(federation, partner) == (False, False)
    partner.edge.must_log("AllowFederatedUsers")


def test_one_user_may_not_federate_and_another_may(federation: Federation) -> None:
    """`CsExternalAccessPolicy`: 1002 for the one, nothing for the other (F4.3)."""
    partner = federation.partner()
    partner.policy.user("bob").enable_federation_access = False

    assert talk(federation, partner, "bob") == (False, False)
    assert talk(federation, partner, "berta") == (True, True)
    partner.edge.must_log('1002;reason="From URI not authorized to communicate with federated partners"')


def test_lists_exclude_each_other() -> None:
    policy = FederationPolicy()
    policy.block("acme.test")

    with pytest.raises(ConfigurationError, match=r"allow acme\.test: the domain is blocked; S4B keeps"):
        policy.allow("acme.test")
    policy.remove("acme.test")
    policy.allow("acme.test")
    with pytest.raises(ConfigurationError, match=r"block acme\.test: the domain is allowed"):
        policy.block(ACME)


def test_neither_list_speaks_for_what_is_below() -> None:
    blocked = FederationPolicy()
    blocked.block("acme.test")
    assert blocked.why_not(SipDomain.parse("sub.acme.test")) is None

    closed = FederationPolicy(partner_discovery=False)
    closed.allow("acme.test")
    assert closed.why_not(SipDomain.parse("sub.acme.test")) is not None


def test_a_proxy_takes_the_place_of_the_dns_and_of_the_name_rule() -> None:
    policy = FederationPolicy(partner_discovery=False)
    policy.allow(ACME, Proxy(Fqdn.parse("edge.elsewhere.test"), 5062))

    way = rules_of(policy).way_to(ACME, BOB)

    assert isinstance(way, StaticWay)
    assert (str(way.host), way.port) == ("edge.elsewhere.test", 5062)


def test_nobody_in_particular_is_refused_when_nobody_may() -> None:
    policy = FederationPolicy()
    policy.block(ACME)
    for user in ("", BOB):
        with pytest.raises(NotFederated, match="on the block list"):
            rules_of(policy).way_to(ACME, user)


# -- verification levels ----------------------------------------------------------------------------------------


@pytest.fixture
def alice(federation: Federation) -> User:
    return listening(federation.sut.user("alice"))


def test_what_is_never_verifiable_reaches_who_has_the_sender_as_a_contact(federation: Federation, alice: User) -> None:
    """AlwaysUnverifiable: delivered only from the contact list (F1.7)."""
    partner = federation.partner(policy=FederationPolicy(discovered_verification="AlwaysUnverifiable"))
    bob, berta = listening(partner.user("bob")), listening(partner.user("berta"))

    alice.chat_with(bob).say("stranger").must_fail(status=403)
    partner.tenant(partner.domain).add_contact("bob", f"alice@{federation.sut.domain}")
    alice.chat_with(bob).say("friend").must_succeed()
    alice.chat_with(berta).say("stranger still").must_fail()

    berta.watch(alice).expect("available")
    alice.chat_with(berta).say("whom one watches is a contact").must_succeed()


def test_who_began_the_talk_is_answered(federation: Federation, alice: User) -> None:
    """A request inside a dialog needs no verification: our own user called."""
    partner = federation.partner(policy=FederationPolicy(discovered_verification="AlwaysUnverifiable"))
    bob = listening(partner.user("bob"))

    bob.chat_with(alice).say("may I?").must_succeed()

    alice.chat_with(bob).say("you may").must_succeed()


@pytest.mark.parametrize(("unmarked", "delivered"), [("verified", True), ("unverified", False), ("rejected", False)])
def test_a_message_without_a_level_is_what_the_persona_takes_it_for(
    federation: Federation, alice: User, unmarked: str, delivered: bool
) -> None:
    """Microsoft's pages contradict each other; a server that is not Microsoft's writes no level at all."""
    policy = FederationPolicy(discovered_verification="UseSourceVerification")
    partner = federation.partner(SFB_2019.but(unmarked=unmarked), policy=policy)
    bob = listening(partner.user("bob"))

    assert alice.chat_with(bob).say("Hello").delivered is delivered
    partner.tenant(partner.domain).add_contact("bob", str(alice.uri))
    assert alice.chat_with(bob).say("again").delivered is (unmarked != "rejected")


def test_a_hosting_provider_has_a_level_of_its_own(federation: Federation) -> None:
    server = federation.server(federation.fresh_domain("acme"), federation.fresh_domain("hoster").child("connect"))
    policy = FederationPolicy()
    partner = federation.partner(policy=policy, opposite=server)
    for level, delivered in [("AlwaysUnverifiable", False), ("AlwaysVerifiable", True)]:
        policy.add_hosting_provider(server.fqdn, verification=level)  # type: ignore[arg-type]
        outcome = server.user("alice").chat_with(listening(partner.user("bob"))).say(level)
        assert outcome.delivered is delivered


def test_an_allowed_domain_has_a_level_of_its_own(federation: Federation, alice: User) -> None:
    policy = FederationPolicy()
    partner = federation.partner(policy=policy)
    bob = listening(partner.user("bob"))
    policy.allow(federation.sut.domain, verification="AlwaysUnverifiable")

    alice.chat_with(bob).say("Hello").must_fail()
    policy.remove(federation.sut.domain)
    policy.allow(federation.sut.domain)
    alice.chat_with(bob).say("Hello").must_succeed()


# -- users ------------------------------------------------------------------------------------------------------


def test_who_is_signed_out_cannot_be_reached_and_can_come_back(federation: Federation, alice: User) -> None:
    partner = federation.partner()
    tenant, bob = partner.tenant(partner.domain), listening(partner.user("bob"))

    tenant.sign_out("bob")
    alice.chat_with(bob).say("anybody there?").must_fail(status=480)
    tenant.sign_in("bob")
    alice.chat_with(bob).say("there you are").must_succeed()


def test_words_that_the_filter_knows_do_not_pass(federation: Federation, alice: User) -> None:
    partner = federation.partner(policy=FederationPolicy(filtered=("Evil.test",)))
    bob = listening(partner.user("bob"))

    alice.chat_with(bob).say("look at http://evil.TEST/").must_fail(status=606)
    alice.chat_with(bob).say("look at http://good.test/").must_succeed()
    assert [message.text for message in bob.messages] == ["look at http://good.test/"]
