"""What holds for every name: the properties P1-P12, named after their ids, and that strategies reach the corners."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import datetime
from ipaddress import IPv4Address, IPv6Address

import idna
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import HealthCheck, Phase, assume, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DataObject, SearchStrategy

from simulator import trust
from simulator.errors import ConfigurationError, InvalidName
from simulator.io.peering import NotFederated
from simulator.names import (
    FlawedName,
    Fqdn,
    NameAnswer,
    NameFlaw,
    NameRuleReason,
    NameWarningKind,
    SipDomain,
    judge_names,
    name_rule,
    parse_host,
    warnings_of,
)
from simulator.partner import FederationPolicy
from simulator.partner.tenant_policy import TenantPolicy
from simulator.strategies import fqdns, invalid_names, ipv4_spellings, labels, lookalikes, sip_domains, spellings
from tests.partner.edges import rules_of

DOMAINS = sip_domains(max_length=120)
PUBLIC_SUFFIXES = ("co.uk", "com.au", "co.jp", "com.br", "gov.uk", "github.io", "公司.cn", "xn--55qx5d.cn")
"Independent of the list that is asked."
REACH = settings(
    max_examples=1000, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


def targets_near(domain: SipDomain) -> SearchStrategy[Fqdn]:
    """Names at and around the domain, where the rule has to tell them apart."""
    below = st.lists(labels(max_length=20), max_size=3)
    above = st.integers(0, len(domain.labels) - 1)
    near = st.tuples(below, above).map(lambda pair: Fqdn((*pair[0], *domain.labels[pair[1] :])))
    return near | fqdns()


@given(st.data(), st.booleans())
def test_p1_what_is_allowed_ends_with_the_labels_of_the_domain(data: DataObject, equal_ok: bool) -> None:
    domain = data.draw(DOMAINS)
    target = data.draw(targets_near(domain))

    if name_rule(domain, target, equal_ok=equal_ok).allowed:
        assert target.labels[-len(domain.labels) :] == domain.labels


@given(st.data())
def test_the_rule_equals_a_second_naive_statement_of_it(data: DataObject) -> None:
    """P1, P4 and P5 at once: R9 as text, without labels."""
    domain = data.draw(DOMAINS)
    target = data.draw(targets_near(domain))

    text, base = str(target), str(domain)
    expected = text == base or (text.endswith("." + base) and "." not in text[: -len(base) - 1])

    assert name_rule(domain, target).allowed is expected
    assert name_rule(domain, target, equal_ok=False).allowed is (expected and text != base)


@given(DOMAINS, labels(max_length=40), labels(max_length=40))
def test_p5_one_label_below_is_allowed_and_two_are_not(domain: SipDomain, first: str, second: str) -> None:
    assert name_rule(domain, domain.child(first)).reason is NameRuleReason.DIRECT_SUBDOMAIN
    assert name_rule(domain, Fqdn((second, first, *domain.labels))).reason is NameRuleReason.TOO_DEEP


@given(sip_domains(min_labels=3, max_length=120), st.data(), labels(max_length=20))
def test_p4_neither_a_parent_nor_a_sibling_is_allowed(domain: SipDomain, data: DataObject, sibling: str) -> None:
    """acme.com and xphone.acme.com for connect.acme.com."""
    above = Fqdn(domain.labels[data.draw(st.integers(1, len(domain.labels) - 1)) :])
    assume(sibling != domain.labels[0])

    assert name_rule(domain, above).reason is NameRuleReason.PARENT_DOMAIN
    assert name_rule(domain, Fqdn((sibling, *domain.labels[1:]))).reason is NameRuleReason.OTHER_DOMAIN


@given(sip_domains(max_length=120, idn=False), labels(max_length=20, idn=False))
def test_p3_the_same_letters_without_the_dot_are_another_domain(domain: SipDomain, prefix: str) -> None:
    """notconnect.acme.com never matches connect.acme.com."""
    glued = prefix + domain.labels[0]
    assume(len(glued) <= 63 and glued[2:4] != "--")
    target = Fqdn((glued, *domain.labels[1:]))

    assert name_rule(domain, target).reason is NameRuleReason.OTHER_DOMAIN
    assert not domain.is_ancestor_of(target)


@given(st.data())
def test_p2_the_verdict_does_not_depend_on_how_the_names_are_written(data: DataObject) -> None:
    """Case, trailing dot, U-label or A-label, full width."""
    domain = data.draw(DOMAINS)
    target = data.draw(targets_near(domain))
    written_domain, written_target = data.draw(spellings(domain)), data.draw(spellings(target))

    assert SipDomain.parse(written_domain) == domain
    assert hash(Fqdn.parse(written_target)) == hash(target)
    assert judge_names(written_domain, written_target) == judge_names(str(domain), str(target))


@given(fqdns())
def test_a_name_survives_being_written_and_read(name: Fqdn) -> None:
    assert Fqdn.parse(str(name)) == Fqdn.parse(name.unicode) == name
    assert str(name) == str(name).lower()
    assert str(name).isascii()
    assert len(str(name)) <= 253


@given(invalid_names(), DOMAINS)
def test_p6_an_invalid_name_is_refused_before_any_rule_sees_it(text: str, domain: SipDomain) -> None:
    for reader in (Fqdn.parse, SipDomain.parse, parse_host):
        with pytest.raises(FlawedName) as caught:
            reader(text)
        assert caught.value.reason in str(caught.value)
    below = f"{text}.{domain}" if not text.endswith(".") else f"{text}{domain}"

    for target in (text, below):
        judgement = judge_names(str(domain), target)
        assert (judgement.answer, judgement.flawed) == (NameAnswer.INVALID, "target")
        assert isinstance(judgement.reason, NameFlaw)
    assert judge_names(text, str(domain)).flawed == "domain"


@given(st.data())
def test_p6_what_is_valid_is_allowed_or_not_allowed_and_never_invalid(data: DataObject) -> None:
    domain = data.draw(DOMAINS)
    target = data.draw(targets_near(domain))
    judgement = judge_names(str(domain), str(target))

    verdict = name_rule(domain, target)
    assert judgement.answer is (NameAnswer.ALLOWED if verdict.allowed else NameAnswer.NOT_ALLOWED)
    assert (judgement.reason, judgement.sentence) == (verdict.reason, verdict.sentence)


@given(st.text(max_size=40) | st.text("aü1.-:[]%xn*_ 0。", max_size=12))
def test_any_text_is_a_name_or_an_invalid_name(text: str) -> None:
    try:
        name = Fqdn.parse(text)
    except InvalidName:
        return
    assert Fqdn.parse(str(name)) == name
    assert idna.encode(str(name)).decode() == str(name), "the package idna agrees that the result is a name"


@given(ipv4_spellings())
def test_p7_no_spelling_of_an_ipv4_address_is_a_name(text: str) -> None:
    """The C library is the judge of what a spelling of an address is."""
    assert socket.inet_aton(text)
    for variant in (text, text + ".", text.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})):
        with pytest.raises(InvalidName, match="IP address"):
            Fqdn.parse(variant)


@given(st.ip_addresses(v=6), st.booleans(), st.sampled_from(["", "%eth0", "%1"]))
def test_p7_no_spelling_of_an_ipv6_address_is_a_name_but_a_route_takes_it(
    address: IPv6Address, brackets: bool, zone: str
) -> None:
    """R33."""
    text = f"[{address}{zone}]" if brackets else f"{address}{zone}"

    with pytest.raises(InvalidName, match="IP address"):
        Fqdn.parse(text)
    assert parse_host(text) == IPv6Address(f"{address}{zone}")


@given(st.ip_addresses(), st.booleans())
def test_p7_a_route_to_an_address_is_flagged(address: IPv4Address | IPv6Address, brackets: bool) -> None:
    """R34."""
    text = f"[{address}]" if brackets and address.version == 6 else str(address)

    assert [warning.kind for warning in warnings_of(parse_host(text))] == [NameWarningKind.IP_ADDRESS]
    for pair in ((text, "sip.acme.test"), ("acme.test", text)):
        assert judge_names(*pair).reason is NameFlaw.IP_ADDRESS


@given(ipv4_spellings())
def test_p7_a_route_takes_ipv4_addresses_as_four_decimal_numbers_only(text: str) -> None:
    """R33."""
    try:
        expected = IPv4Address(text)
    except ValueError:
        with pytest.raises(InvalidName):
            parse_host(text)
    else:
        assert parse_host(text) == expected


@given(fqdns(min_labels=2), st.integers(0, 10**6))
def test_p8_a_single_label_or_a_numeric_top_label_is_no_sip_domain(name: Fqdn, number: int) -> None:
    with pytest.raises(FlawedName) as caught:
        SipDomain.parse(name.labels[-1])
    assert caught.value.flaw is NameFlaw.SINGLE_LABEL
    single = warnings_of(Fqdn(name.labels[-1:]))
    assert NameWarningKind.SINGLE_LABEL in {warning.kind for warning in single}, "as a host it is legal"

    with pytest.raises(FlawedName) as caught:
        SipDomain.parse(f"{name.labels[0]}.{number}")
    assert caught.value.flaw in (NameFlaw.NUMERIC_TOP_LABEL, NameFlaw.IP_ADDRESS)


@given(sip_domains())
def test_the_srv_name_of_every_domain_can_be_looked_up(domain: SipDomain) -> None:
    assert domain.srv_name == f"_sipfederationtls._tcp.{domain}"
    assert len(domain.srv_name) <= 253


KEY = ec.generate_private_key(ec.SECP256R1())


def certificate(*names: str) -> x509.Certificate:
    """A self-signed certificate that holds these DNS names, whatever they are."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "wildcard")])
    builder = x509.CertificateBuilder(subject, subject, KEY.public_key(), 1)
    builder = builder.not_valid_before(datetime(2026, 1, 1)).not_valid_after(datetime(2026, 2, 1))
    san = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    return builder.add_extension(san, critical=False).sign(KEY, hashes.SHA256())


@given(DOMAINS)
def test_p9_a_wildcard_is_no_name(domain: SipDomain) -> None:
    with pytest.raises(InvalidName, match="wildcard"):
        Fqdn.parse(f"*.{domain}")


@given(sip_domains(max_length=100, idn=False), labels(max_length=20, idn=False))
def test_p9_a_wildcard_in_a_certificate_speaks_for_nobody_in_sip_although_openssl_accepts_it(
    domain: SipDomain, label: str
) -> None:
    """R57, F2.2, F2.12."""
    child = domain.child(label)
    wildcard, exact = certificate(f"*.{domain}"), certificate(f"*.{domain}", str(child))

    for rules in (trust.S4B, trust.RFC5922, trust.CONNECT_SERVER):
        for name in (child, domain.fqdn):
            assert trust.name_reasons(wildcard, name, rules)
        assert not trust.name_reasons(exact, child, rules), "a wildcard beside the name does no harm"
    assert not trust.name_reasons(wildcard, child, trust.OPENSSL)


@given(st.sampled_from(PUBLIC_SUFFIXES), labels(max_length=20, idn=False))
def test_p10_the_rule_alone_would_accept_a_stranger_below_a_public_suffix_so_there_is_a_warning(
    suffix: str, stranger: str
) -> None:
    judgement = judge_names(suffix, f"{stranger}.{suffix}")
    assert judgement.answer is NameAnswer.ALLOWED
    assert NameWarningKind.PUBLIC_SUFFIX in {warning.kind for warning in judgement.warnings}

    registered = judge_names(f"zz-{stranger}.{suffix}", f"sip.zz-{stranger}.{suffix}")
    assert registered.answer is NameAnswer.ALLOWED
    assert NameWarningKind.PUBLIC_SUFFIX not in {warning.kind for warning in registered.warnings}


def is_blocked(policy: FederationPolicy | TenantPolicy, domain: SipDomain) -> bool:
    """Whether an edge with this policy refuses to federate with `domain`."""
    try:
        rules_of(policy).way_to(domain)
    except NotFederated:
        return True
    return False


@given(sip_domains(min_labels=3, max_length=100, idn=False), labels(max_length=20, idn=False), st.data())
def test_p11_a_block_list_ends_at_the_dot(domain: SipDomain, label: str, data: DataObject) -> None:
    """subcontoso.com is no subdomain of contoso.com; what is to hold for subdomains too asks `is_ancestor_of`."""
    glued = label + domain.labels[0]
    assume(len(glued) <= 63 and glued[2:4] != "--")
    policy = FederationPolicy()
    policy.block(SipDomain.parse(data.draw(spellings(domain))))
    below, deeper = SipDomain((label, *domain.labels)), SipDomain(("a", "b", label, *domain.labels))
    beside, above = SipDomain((glued, *domain.labels[1:])), SipDomain(domain.labels[1:])

    assert is_blocked(policy, domain)
    assert not any(is_blocked(policy, other) for other in (below, deeper, beside, above))
    assert [domain.is_ancestor_of(other) for other in (below, deeper, beside, above, domain)] == [
        True,
        True,
        False,
        False,
        False,
    ]


@given(sip_domains(max_length=100), labels(max_length=20))
def test_p11_block_all_subdomains_reaches_any_depth_and_no_neighbour(domain: SipDomain, label: str) -> None:
    """BlockAllSubdomains of a Teams tenant: subdomain.contoso.com is blocked, subcontoso.com is not (F3.6)."""
    glued = label + domain.labels[0]
    assume(len(glued) <= 63 and glued[2:4] != "--")
    policy = TenantPolicy(block_all_subdomains=True)
    policy.block(domain)
    below, deeper = SipDomain((label, *domain.labels)), SipDomain(("a", "b", label, *domain.labels))
    beside = SipDomain((glued, *domain.labels[1:]))

    assert [is_blocked(policy, other) for other in (domain, below, deeper, beside)] == [True, True, True, False]


@given(sip_domains(max_length=100), sip_domains(max_length=100), sip_domains(max_length=100))
def test_p12_an_allow_list_of_a_teams_tenant_hides_its_block_list(
    domain: SipDomain, allowed: SipDomain, stranger: SipDomain
) -> None:
    """The two lists may name the same domain; while there is an allow list, it counts alone (F3.6)."""
    assume(len({domain, allowed, stranger}) == 3)
    policy = TenantPolicy()
    policy.block(domain)
    assert [is_blocked(policy, each) for each in (domain, allowed, stranger)] == [True, False, False]

    policy.allow(allowed)
    assert [is_blocked(policy, each) for each in (domain, allowed, stranger)] == [True, False, True]
    policy.allow(domain)
    assert [is_blocked(policy, each) for each in (domain, allowed, stranger)] == [False, False, True]


@given(sip_domains(max_length=100), st.data())
def test_p12_skype_for_business_keeps_a_domain_on_one_list_only(domain: SipDomain, data: DataObject) -> None:
    """Whichever list came first, and however the name is written (fact 9 of section 0)."""
    written = SipDomain.parse(data.draw(spellings(domain)))
    blocked, allowed = FederationPolicy(), FederationPolicy()
    blocked.block(domain)
    allowed.allow(domain)

    with pytest.raises(ConfigurationError, match="one list only"):
        blocked.allow(written)
    with pytest.raises(ConfigurationError, match="one list only"):
        allowed.block(written)
    assert is_blocked(blocked, written), "the refused change changed nothing"
    assert not is_blocked(allowed, written)


@given(sip_domains(max_length=40, idn=False), st.data())
def test_a_lookalike_is_another_name_and_is_warned_of(domain: SipDomain, data: DataObject) -> None:
    """F7.2: it is legal, and no rule ever takes the one for the other."""
    name = domain.child("connect")
    other = Fqdn.parse(data.draw(lookalikes(name)))

    assert other != name
    assert not name_rule(SipDomain(name.labels), other).allowed
    assert {warning.kind for warning in warnings_of(other)} & {
        NameWarningKind.MIXED_SCRIPTS,
        NameWarningKind.LOOKALIKE,
    }
    assert str(name) in {warning.other for warning in warnings_of(other)}


@given(DOMAINS | fqdns())
def test_the_strategies_draw_names_without_look_alikes(name: SipDomain | Fqdn) -> None:
    """Their U-labels are of one script each, so that a warning would be a mistake of ours or a letter too few."""
    mixed = [warning for warning in warnings_of(name) if warning.kind is NameWarningKind.MIXED_SCRIPTS]

    assert mixed == []


CORNERS: dict[str, Callable[[Fqdn], bool]] = {
    "full length": lambda name: len(str(name)) == 253,
    "single label": lambda name: len(name.labels) == 1,
    "four labels": lambda name: len(name.labels) == 4,
    "longest label": lambda name: any(len(label) == 63 for label in name.labels),
    "A-label": lambda name: any(label.startswith("xn--") for label in name.labels),
    "hyphen": lambda name: any("-" in label and not label.startswith("xn--") for label in name.labels),
    "digits only": lambda name: name.labels[0].isdigit(),
    "one-letter top label": lambda name: len(name.labels[-1]) == 1,
}


@pytest.mark.parametrize("corner", CORNERS)
def test_the_strategy_for_fqdns_reaches(corner: str) -> None:
    find(fqdns(), CORNERS[corner], settings=REACH)


def test_the_strategy_for_sip_domains_reaches_the_longest_name() -> None:
    find(sip_domains(), lambda domain: len(str(domain)) == 230, settings=REACH)


def test_names_shrink_to_something_readable() -> None:
    assert str(find(sip_domains(), lambda _: True)) == "0.a"


SPELLINGS: dict[str, Callable[[str], bool]] = {
    "A-label": lambda text: "xn--" in text,
    "upper case": lambda text: "B" in text,
    "U-label": lambda text: "ü" in text,
    "foreign dot": lambda text: "。" in text,
    "full width": lambda text: "ａ" in text,
    "trailing dot": lambda text: text.endswith("."),
    "no trailing dot": lambda text: not text.endswith("."),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_strategy_for_spellings_reaches(spelling: str) -> None:
    find(spellings(Fqdn.parse("bücher.acme.com")), SPELLINGS[spelling], settings=REACH)


@given(fqdns(max_length=60).flatmap(lambda name: spellings(name, unicode=False)))
def test_spellings_without_unicode_are_ascii(text: str) -> None:
    assert text.isascii()


@given(st.integers(1, 63), st.booleans(), st.data())
def test_labels_keep_to_their_maximum(max_length: int, idn: bool, data: DataObject) -> None:
    label = data.draw(labels(max_length=max_length, idn=idn))

    assert 1 <= len(label) <= max_length
    assert idn or not label.startswith("xn--")
    assert Fqdn((label, "test")).labels[0] == label


@given(st.integers(1, 6), st.integers(0, 240), st.data())
def test_names_keep_to_their_bounds(min_labels: int, spare: int, data: DataObject) -> None:
    max_length = min(253, 2 * min_labels - 1 + spare)
    name = data.draw(fqdns(min_labels=min_labels, max_length=max_length))

    assert len(name.labels) >= min_labels
    assert len(str(name)) <= max_length


@given(sip_domains(max_length=180), st.data())
def test_lookalikes_of_a_domain_are_domains(above: SipDomain, data: DataObject) -> None:
    domain = SipDomain(("o" * 9, *above.labels))
    text = data.draw(lookalikes(domain))

    assert not text.isascii()
    assert SipDomain.parse(text).labels[-1] == domain.labels[-1]


@pytest.mark.parametrize(
    "impossible",
    [
        lookalikes(Fqdn.parse("f.test")),
        lookalikes(Fqdn.parse("o." * 100 + "test")),
        labels(max_length=0),
        labels(max_length=64),
        fqdns(max_length=254),
        fqdns(min_labels=0),
        fqdns(min_labels=3, max_length=4),
        sip_domains(min_labels=1),
        sip_domains(max_length=231),
    ],
    ids=repr,
)
def test_impossible_arguments_are_said_when_drawing(impossible: SearchStrategy[object]) -> None:
    with pytest.raises(InvalidArgument):
        find(impossible, lambda _: True, settings=REACH)
