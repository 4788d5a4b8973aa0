"""What holds for every name: the properties P1-P9 of the name rule, and that the strategies reach the corners."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import idna
import pytest
from hypothesis import HealthCheck, Phase, assume, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import DataObject, SearchStrategy

from simulator.errors import InvalidName
from simulator.names import Fqdn, NameRuleReason, SipDomain, name_rule, parse_host
from simulator.strategies import fqdns, invalid_names, ipv4_spellings, labels, sip_domains, spellings

DOMAINS = sip_domains(max_length=120)
REACH = settings(
    max_examples=1000, database=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)


def targets_near(domain: SipDomain) -> SearchStrategy[Fqdn]:
    """Names at and around the domain, where the rule has to tell them apart."""
    below = st.lists(labels(max_length=20), max_size=3)
    above = st.integers(0, len(domain.labels) - 1)
    near = st.tuples(below, above).map(lambda pair: Fqdn((*pair[0], *domain.labels[pair[1] :])))
    return near | fqdns()


@given(st.data())
def test_only_the_domain_and_the_names_directly_below_it_are_allowed(data: DataObject) -> None:
    """P1, P4, P5 against an independent statement of R9."""
    domain = data.draw(DOMAINS)
    target = data.draw(targets_near(domain))

    text, base = str(target), str(domain)
    expected = text == base or (text.endswith("." + base) and "." not in text[: -len(base) - 1])

    assert name_rule(domain, target).allowed is expected
    assert name_rule(domain, target, equal_ok=False).allowed is (expected and text != base)


@given(DOMAINS, labels(max_length=40), labels(max_length=40))
def test_one_label_below_is_allowed_and_two_are_not(domain: SipDomain, first: str, second: str) -> None:
    """P5."""
    assert name_rule(domain, domain.child(first)).reason is NameRuleReason.DIRECT_SUBDOMAIN
    assert name_rule(domain, Fqdn((second, first, *domain.labels))).reason is NameRuleReason.TOO_DEEP


@given(sip_domains(min_labels=3, max_length=120))
def test_a_parent_is_never_allowed_for_its_child(domain: SipDomain) -> None:
    """P4."""
    assert name_rule(domain, Fqdn(domain.labels[1:])).reason is NameRuleReason.PARENT_DOMAIN


@given(sip_domains(max_length=120, idn=False), labels(max_length=20, idn=False))
def test_the_same_letters_without_the_dot_are_another_domain(domain: SipDomain, prefix: str) -> None:
    """P3: notconnect.acme.com never matches connect.acme.com."""
    glued = prefix + domain.labels[0]
    assume(len(glued) <= 63 and glued[2:4] != "--")
    target = Fqdn((glued, *domain.labels[1:]))

    assert name_rule(domain, target).reason is NameRuleReason.OTHER_DOMAIN
    assert not domain.is_ancestor_of(target)


@given(st.data())
def test_the_verdict_does_not_depend_on_how_the_names_are_written(data: DataObject) -> None:
    """P2."""
    domain = data.draw(DOMAINS)
    target = data.draw(targets_near(domain))
    written_domain = SipDomain.parse(data.draw(spellings(domain)))
    written_target = Fqdn.parse(data.draw(spellings(target)))

    assert written_domain == domain
    assert hash(written_target) == hash(target)
    assert name_rule(written_domain, written_target) == name_rule(domain, target)


@given(fqdns())
def test_a_name_survives_being_written_and_read(name: Fqdn) -> None:
    assert Fqdn.parse(str(name)) == Fqdn.parse(name.unicode) == name
    assert str(name) == str(name).lower()
    assert str(name).isascii()
    assert len(str(name)) <= 253


@given(invalid_names(), DOMAINS)
def test_an_invalid_name_is_refused_before_any_rule_sees_it(text: str, domain: SipDomain) -> None:
    """P6: invalid is not the same as not allowed."""
    for reader in (Fqdn.parse, SipDomain.parse, parse_host):
        with pytest.raises(InvalidName):
            reader(text)
    with pytest.raises(InvalidName):
        Fqdn.parse(f"{text}.{domain}" if not text.endswith(".") else f"{text}{domain}")


@given(st.text(max_size=40) | st.text("aü1.-:[]%xn*_ 0。", max_size=12))
def test_any_text_is_a_name_or_an_invalid_name(text: str) -> None:
    try:
        name = Fqdn.parse(text)
    except InvalidName:
        return
    assert Fqdn.parse(str(name)) == name
    assert idna.encode(str(name)).decode() == str(name), "the package idna agrees that the result is a name"


@given(ipv4_spellings())
def test_no_spelling_of_an_ipv4_address_is_a_name(text: str) -> None:
    """P7; the C library is the judge of what a spelling of an address is."""
    assert socket.inet_aton(text)
    for variant in (text, text + ".", text.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})):
        with pytest.raises(InvalidName, match="IP address"):
            Fqdn.parse(variant)


@given(st.ip_addresses(v=6), st.booleans(), st.sampled_from(["", "%eth0", "%1"]))
def test_no_spelling_of_an_ipv6_address_is_a_name_but_a_route_takes_it(
    address: IPv6Address, brackets: bool, zone: str
) -> None:
    """P7, R33."""
    text = f"[{address}{zone}]" if brackets else f"{address}{zone}"

    with pytest.raises(InvalidName, match="IP address"):
        Fqdn.parse(text)
    assert parse_host(text) == IPv6Address(f"{address}{zone}")


@given(ipv4_spellings())
def test_a_route_takes_ipv4_addresses_as_four_decimal_numbers_only(text: str) -> None:
    """R33."""
    try:
        expected = IPv4Address(text)
    except ValueError:
        with pytest.raises(InvalidName):
            parse_host(text)
    else:
        assert parse_host(text) == expected


@given(fqdns(min_labels=2), st.integers(0, 10**6))
def test_a_single_label_or_a_numeric_top_label_is_no_sip_domain(name: Fqdn, number: int) -> None:
    """P8."""
    for text in (name.labels[-1], f"{name.labels[0]}.{number}"):
        with pytest.raises(InvalidName):
            SipDomain.parse(text)


@given(sip_domains())
def test_the_srv_name_of_every_domain_can_be_looked_up(domain: SipDomain) -> None:
    assert domain.srv_name == f"_sipfederationtls._tcp.{domain}"
    assert len(domain.srv_name) <= 253


@given(DOMAINS)
def test_a_wildcard_is_no_name_so_no_wildcard_can_satisfy_the_rule(domain: SipDomain) -> None:
    """P9, as far as names go."""
    with pytest.raises(InvalidName, match="wildcard"):
        Fqdn.parse(f"*.{domain}")


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


@pytest.mark.parametrize(
    "impossible",
    [
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
