"""Teams: tenants behind one edge that is in none of their domains, each with its policy (F3.1–F3.9)."""

from __future__ import annotations

import pytest
from cryptography import x509

from simulator.errors import ConfigurationError
from simulator.federation import Federation
from simulator.names import SipDomain
from simulator.partner import TEAMS, TenantPolicy, register, unregister
from simulator.trust import names_of
from tests.partner.by_hand import listening
from tests.partner.edges import rules_of


def domain(text: str) -> SipDomain:
    return SipDomain.parse(text)


ACME, ABOVE = domain("sales.acme.test"), domain("acme.test")
BELOW, BESIDE = domain("sub.sales.acme.test"), domain("subsales.acme.test")


def test_many_tenants_speak_through_one_edge_whose_certificate_names_none_of_them(federation: Federation) -> None:
    """The SRV record of each leads to the provider: priority 100, weight 1 (R79, F3.1; dialect facts §6)."""
    partner = federation.teams(tenants=3)
    alice = listening(federation.sut.user("alice"))

    for tenant in partner.tenants.values():
        bob = listening(tenant.user("bob"))
        bob.chat_with(alice).say(f"from {tenant}").must_succeed()
        alice.chat_with(bob).say(f"to {tenant}").must_succeed()
        assert [message.text for message in bob.messages] == [f"to {tenant}"]
        alice.watch(bob).expect("available")
        (srv,) = [
            record.data["answers"]
            for record in federation.records
            if record.what == "answer" and record.data["name"] == tenant.domain.srv_name
        ][:1]
        assert " SRV 100 1 " in str(srv)
        assert str(partner.edge.fqdn) in str(srv)

    identity = partner.agent.transport.identity
    assert identity is not None
    assert names_of(x509.load_pem_x509_certificate(identity.chain_pem)) == (str(partner.edge.fqdn),)
    assert str(partner.edge.fqdn).startswith("sipfed.online.lync")
    assert len([r for r in federation.records if (r.who, r.what) == (str(partner), "connected")]) == 1, "of one edge"


def test_tenants_can_be_named(federation: Federation) -> None:
    names = [str(federation.fresh_domain(word)) for word in ("contoso", "woodgrove")]
    partner = federation.partner(persona="teams", tenants=names, fqdn=f"sipfed.{federation.fresh_domain('provider')}")

    assert [str(each) for each in partner.tenants] == names
    assert partner.user(f"bob@{names[1]}") is partner.tenant(names[1]).user("bob")
    assert partner.domain == partner.tenant(names[0]).domain


def test_a_single_tenant_needs_no_word_of_tenants(federation: Federation) -> None:
    partner = federation.partner(persona="teams", domain=str(federation.fresh_domain("contoso")))
    alice = listening(federation.sut.user("alice"))

    partner.user("bob").chat_with(alice).say("Hello").must_succeed()
    assert not str(partner.edge.fqdn).endswith(str(partner.domain))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"persona": "sfb-2019", "tenants": 2}, "the persona sfb-2019 has no tenants"),
        ({"persona": "teams", "tenants": 0}, "there must be at least one"),
        ({"persona": "teams", "tenants": 1, "domain": "contoso.test"}, "not both"),
    ],
)
def test_a_mistake_about_tenants_is_a_sentence(
    federation: Federation, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        federation.partner(**options)  # type: ignore[arg-type]


def test_a_persona_derived_from_teams_has_tenants_too(federation: Federation) -> None:
    register(TEAMS.but(name="teams-variant", server="RTC/8.0"))
    try:
        assert len(federation.partner(persona="teams-variant", tenants=2).tenants) == 2
    finally:
        unregister("teams-variant")


def test_each_tenant_has_a_policy_of_its_own(federation: Federation) -> None:
    partner = federation.teams(tenants=2)
    closed, open_ = partner.tenants.values()
    alice = listening(federation.sut.user("alice"))

    closed.policy.block("acme.test")

    for tenant, delivered in ((closed, False), (open_, True)):
        bob = listening(tenant.user("bob"))
        assert alice.chat_with(bob).say("in").delivered is delivered
        assert bob.chat_with(alice).say("out").delivered is delivered


def test_a_partner_that_is_blocked_is_told_403_or_504(federation: Federation) -> None:
    """Nothing is known of what Teams says (F3.13): both sides of the switch."""
    alice = federation.sut.user("alice")
    for answer, status in ((TEAMS.answers.domain_blocked, 403), (TEAMS.answers.no_srv, 504)):
        partner = federation.teams(persona=TEAMS.but(domain_blocked=answer))
        partner.policy.block("acme.test")
        alice.chat_with(partner.user("bob")).say("in").must_fail(status=status)


# -- the settings of a tenant -----------------------------------------------------------------------------------


def refused(policy: TenantPolicy, *domains: SipDomain) -> list[bool]:
    return [policy.why_not(each) is not None for each in domains]


@pytest.mark.cites("R80", "C18")
def test_the_master_switch_stands_above_everything() -> None:
    policy = TenantPolicy()
    policy.allow("sales.acme.test")
    policy.user("bob").communication_with_external_orgs = "AllowAllExternalDomains"
    assert policy.why_not_together("bob", ACME) is None

    policy.allow_federated_users = False

    assert policy.why_not(ACME) is not None
    assert policy.why_not_together("bob", ACME) is not None


@pytest.mark.cites("R81", "C18")
def test_an_allow_list_hides_the_block_list() -> None:
    policy = TenantPolicy()
    policy.block("sales.acme.test")
    policy.allow("sales.acme.test")
    assert refused(policy, ACME, BESIDE) == [False, True]

    policy.allow_all()
    assert refused(policy, ACME, BESIDE) == [True, False]


def test_an_empty_allow_list_allows_nobody() -> None:
    policy = TenantPolicy(allowed=set())
    assert refused(policy, ACME) == [True]

    policy.allow("sales.acme.test")
    policy.remove("sales.acme.test")
    assert refused(policy, ACME) == [True], "the list is there still"


@pytest.mark.parametrize(
    ("whole", "expected"), [(False, [True, False, False, False]), (True, [True, True, False, False])]
)
@pytest.mark.cites("R81")
def test_a_block_is_exact_unless_it_reaches_below_and_ends_at_the_dot(whole: bool, expected: list[bool]) -> None:
    policy = TenantPolicy(block_all_subdomains=whole)
    policy.block(ACME)

    assert refused(policy, ACME, BELOW, BESIDE, ABOVE) == expected


@pytest.mark.parametrize(
    ("whole", "expected"), [(False, [False, True, True, True]), (True, [False, False, True, True])]
)
def test_an_allowed_domain_stands_for_itself_unless_switched(whole: bool, expected: list[bool]) -> None:
    policy = TenantPolicy(allow_subdomains=whole)
    policy.allow(ACME)

    assert refused(policy, ACME, BELOW, BESIDE, ABOVE) == expected


def test_a_trial_tenant_never_federates_with_skype_for_business_server(federation: Federation) -> None:
    """It costs days if one does not know (F3.9)."""
    partner = federation.teams(policy=TenantPolicy(trial=True))
    alice = federation.sut.user("alice")

    alice.chat_with(partner.user("bob")).say("in").must_fail(status=403)
    partner.edge.must_log("trial licences only")
    policy = TenantPolicy(trial=True)
    policy.allow("sales.acme.test")
    assert refused(policy, ACME) == [True], "no list overrides it"


@pytest.mark.parametrize(
    ("orgs", "acme", "other"),
    [
        ("OrganizationDefault", False, True),
        ("AllowAllExternalDomains", True, True),
        ("AllowSpecificExternalDomains", True, False),
        ("BlockSpecificExternalDomains", False, True),
        ("BlockAllExternalDomains", False, False),
    ],
)
def test_a_users_own_lists_stand_above_those_of_the_tenant(orgs: str, acme: bool, other: bool) -> None:
    """The tenant blocks sales.acme.test (F3.8)."""
    policy = TenantPolicy()
    policy.block(ACME)
    access = policy.user("bob")
    access.communication_with_external_orgs = orgs  # type: ignore[assignment]
    access.allowed_external_domains = {ACME}
    access.blocked_external_domains = {ACME}
    rules = rules_of(policy, TEAMS)

    def works(domain: SipDomain, user: str = "sip:bob@fabrikam.test") -> bool:
        try:
            rules.way_to(domain, user)
            rules.may_send(user, domain)
        except Exception as error:
            assert type(error).__name__ == "NotFederated"
            return False
        return True

    assert (works(ACME), works(BESIDE)) == (acme, other)
    assert (works(ACME, "sip:berta@fabrikam.test"), works(BESIDE, "sip:berta@fabrikam.test")) == (False, True)
    access.enable_federation_access = False
    assert not works(BESIDE)


def test_discovered_partners_can_be_taken_for_unverified(federation: Federation) -> None:
    partner = federation.teams(policy=TenantPolicy(treat_discovered_partners_as_unverified=True))
    alice, bob = listening(federation.sut.user("alice")), listening(partner.user("bob"))

    alice.chat_with(bob).say("stranger").must_fail()
    partner.tenant(partner.domain).add_contact("bob", str(alice.uri))
    alice.chat_with(bob).say("friend").must_succeed()


def test_a_list_of_a_tenant_has_an_end() -> None:
    policy = TenantPolicy(blocked={domain(f"d{number}.test") for number in range(4000)})

    with pytest.raises(ConfigurationError, match="holds 4000 domains"):
        policy.block("sales.acme.test")
