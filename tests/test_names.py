"""Names and the name rule: the documented examples, the IDNA table and every reason for a refusal (R9-R15, P1-P8)."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from simulator.errors import InvalidName
from simulator.names import Fqdn, NameRuleReason, SipDomain, name_rule, parse_host

CONNECT = SipDomain.parse("connect.acme.com")


@pytest.mark.parametrize(
    ("requirement", "target", "reason"),
    [
        ("R10", "connect.acme.com", NameRuleReason.EQUAL),
        ("R11", "xphone.connect.acme.com", NameRuleReason.DIRECT_SUBDOMAIN),
        ("R12", "company.xphone.acme.com", NameRuleReason.OTHER_DOMAIN),
        ("R13", "acme.com", NameRuleReason.PARENT_DOMAIN),
        ("R14", "xphone.acme.com", NameRuleReason.OTHER_DOMAIN),
    ],
)
def test_the_documented_examples_of_the_name_rule(requirement: str, target: str, reason: NameRuleReason) -> None:
    verdict = name_rule(CONNECT, Fqdn.parse(target))

    assert verdict.reason is reason
    assert verdict.allowed is (requirement in ("R10", "R11"))
    assert target in verdict.sentence


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (
            "a.b.connect.acme.com",
            NameRuleReason.TOO_DEEP,
        ),  # F1.12: no documented example shows this one, the S4B log does
        ("a.b.c.connect.acme.com", NameRuleReason.TOO_DEEP),
        ("com", NameRuleReason.PARENT_DOMAIN),
        ("notconnect.acme.com", NameRuleReason.OTHER_DOMAIN),
        ("xconnect.acme.com", NameRuleReason.OTHER_DOMAIN),
        ("connect.acme.com.evil.test", NameRuleReason.OTHER_DOMAIN),
        ("connect.acme.de", NameRuleReason.OTHER_DOMAIN),
        ("localhost", NameRuleReason.OTHER_DOMAIN),
        ("sipfed.online.lync.com", NameRuleReason.OTHER_DOMAIN),
    ],
)
def test_a_target_that_is_neither_the_domain_nor_one_label_below_it_is_refused(
    target: str, reason: NameRuleReason
) -> None:
    verdict = name_rule(CONNECT, Fqdn.parse(target))

    assert (verdict.allowed, verdict.reason) == (False, reason)
    assert "sip.connect.acme.com" in verdict.sentence, "a refusal names what would be allowed"


def test_the_sample_configuration_of_the_requirements_breaks_their_own_rule() -> None:
    """Domain acme.de with FQDN connect.acme.com (R20, C2)."""
    assert not name_rule(SipDomain.parse("acme.de"), Fqdn.parse("connect.acme.com")).allowed


def test_equality_can_be_switched_off_and_nothing_else_changes() -> None:
    """Only R10 says that the domain's own name counts (C15)."""
    own = name_rule(CONNECT, Fqdn.parse("connect.acme.com"), equal_ok=False)

    assert (own.allowed, own.reason) == (False, NameRuleReason.EQUALITY_NOT_ACCEPTED)
    assert name_rule(CONNECT, Fqdn.parse("x.connect.acme.com"), equal_ok=False).allowed


@pytest.mark.parametrize(
    ("text", "a_label"),
    [
        ("straße.de", "xn--strae-oqa.de"),  # the codec of the standard library makes strasse.de of it: another domain
        ("faß.de", "xn--fa-hia.de"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("ＡＣＭＥ.com", "acme.com"),
        ("acme。com", "acme.com"),
        ("acme．com｡", "acme.com"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("аcme.com", "xn--cme-5cd.com"),
        ("İstanbul.com", "xn--istanbul-o0e.com"),
        ("acme\u0301.com", "xn--acm-dma.com"),
        ("Connect.ACME.com.", "connect.acme.com"),
        ("4com.acme.com", "4com.acme.com"),
        ("a.b", "a.b"),
    ],
)
def test_a_name_is_read_as_idna_2008_and_uts_46_say(text: str, a_label: str) -> None:
    assert str(Fqdn.parse(text)) == a_label
    assert str(SipDomain.parse(text)) == a_label


def test_the_readable_form_has_the_u_labels() -> None:
    assert SipDomain.parse("xn--bcher-kva.Example").unicode == "bücher.example"


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", "is empty"),
        (".", "is empty"),
        ("a..b", "empty label"),
        (".acme.com", "empty label"),
        ("acme.com..", "empty label"),
        ("a\u00ad.\u00ad.com", "empty label"),  # soft hyphens map to nothing
        ("acme com", "space"),
        (" acme.com", "space"),
        ("acme.com\n", "space"),
        ("acme\u00a0.com", "space"),
        ("_sip.acme.com", "underscore"),
        ("ü_.acme.com", "underscore"),
        ("*.acme.com", "wildcard"),
        ("*", "wildcard"),
        ("sip.acme.com:5061", "port"),
        ("sip:acme.com", "scheme"),
        ("[acme.com]", "brackets"),
        ("alice@acme.com", "'@'"),
        ("acme\x00.com", "U\\+0000"),
        ("a/ü.com", "'/'"),
        ("-acme.com", "hyphen"),
        ("acme-.com", "hyphen"),
        ("ac--me.com", "third and fourth"),
        ("xn--0.pt", "internationalised label"),
        ("xn--a", "internationalised label"),
        ("xn--.de", "hyphen"),
        ("xn--strasse-.de", "hyphen"),
        ("xn--n3h.net", "internationalised label"),
        ("xn---bbk.de", "label 'xn---bbk' is no"),  # decodes, but to what another A-label is for (RFC 5891 §5.3)
        ("☃.net", "IDNA 2008"),
        ("a\u200db.com", "IDNA 2008"),
        ("a\ud800.com", "IDNA 2008"),
        ("a" * 64 + ".com", "longer than 63"),
        ("ü" * 64 + ".com", "label too long"),
        (".".join(["a" * 63] * 4), "longer than 253"),
        ("a." * 5000 + "com", "longer than 253"),
        ("ü" * 5000 + ".com", "longer than 253"),
        ("acme.3com", "begin with a letter"),
        ("acme.123", "begin with a letter"),
        ("1.2.3.4.5", "begin with a letter"),
    ],
)
def test_what_is_no_host_name_is_refused_with_its_reason(text: str, because: str) -> None:
    for kind in (Fqdn, SipDomain):
        with pytest.raises(InvalidName, match=because) as caught:
            kind.parse(text)
        assert len(str(caught.value)) < 1000, "the text of a stranger does not flood the log"


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.1",
        "192.0.2.1.",
        "127.1",
        "0x7f.1",
        "0X7F000001",
        "2130706433",
        "0177.0.0.1",
        "999.1.1.1",
        "１２７.0.0.1",
        "::1",
        "[::1]",
        "2001:db8::1",
        "[fe80::1%eth0]",
        "fe80::1%1",
        "::ffff:192.0.2.1",
    ],
)
def test_an_ip_address_in_any_spelling_is_no_name(text: str) -> None:
    for kind in (Fqdn, SipDomain):
        with pytest.raises(InvalidName, match="IP address"):
            kind.parse(text)


def test_a_single_label_is_a_host_but_no_sip_domain() -> None:
    assert Fqdn.parse("localhost").labels == ("localhost",)
    with pytest.raises(InvalidName, match="two labels"):
        SipDomain.parse("localhost")


def test_the_longest_sip_domain_is_the_one_whose_srv_name_can_still_be_looked_up() -> None:
    """253 characters less the 23 of the prefix (F7.3)."""
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 38])
    assert len(longest) == 230

    assert len(SipDomain.parse(longest).srv_name) == 253
    assert len(str(Fqdn.parse(longest + "d"))) == 231, "a host may be longer, nothing stands before its name"
    with pytest.raises(InvalidName, match="longer than 230"):
        SipDomain.parse(longest + "d")


def test_the_srv_record_stands_under_the_domain() -> None:
    assert SipDomain.parse("Acme.DE.").srv_name == "_sipfederationtls._tcp.acme.de"


def test_a_domain_and_a_host_of_one_spelling_are_not_equal() -> None:
    """Each example names its role: connect.acme.com is a domain in R10 and an FQDN in R20 (C14)."""
    names: set[object] = {Fqdn.parse("acme.com"), Fqdn.parse("ACME.com."), SipDomain.parse("acme.com")}

    assert len(names) == 2
    assert SipDomain.parse("acme.com").fqdn in names


def test_a_name_cannot_be_made_of_labels_that_are_none() -> None:
    for labels in [(), ("",), ("ACME", "com"), ("acme.com",), ("bücher", "example"), ("1", "2")]:
        with pytest.raises(InvalidName):
            Fqdn(labels)
    with pytest.raises(InvalidName, match="two labels"):
        SipDomain(("com",))


def test_kinship_is_counted_in_labels() -> None:
    domain = SipDomain.parse("contoso.com")

    assert domain.is_parent_of(Fqdn.parse("sip.contoso.com"))
    assert not domain.is_parent_of(Fqdn.parse("a.sip.contoso.com"))
    assert domain.is_ancestor_of(SipDomain.parse("a.sub.contoso.com"))
    assert not domain.is_ancestor_of(SipDomain.parse("subcontoso.com"))  # F3.6
    assert not domain.is_ancestor_of(SipDomain.parse("contoso.com"))
    assert not domain.is_ancestor_of(Fqdn.parse("com"))


def test_a_child_is_exactly_one_label_below_its_domain() -> None:
    assert str(CONNECT.child("Bücher")) == "xn--bcher-kva.connect.acme.com"
    for label in ("a.b", "", "_sip"):
        with pytest.raises(InvalidName):
            CONNECT.child(label)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("192.0.2.1", IPv4Address("192.0.2.1")),
        ("2001:DB8::1", IPv6Address("2001:db8::1")),
        ("[2001:db8::1]", IPv6Address("2001:db8::1")),
        ("[fe80::1%eth0]", IPv6Address("fe80::1%eth0")),
        ("SIP.acme.com.", Fqdn(("sip", "acme", "com"))),
    ],
)
def test_a_route_may_lead_to_an_address_or_to_a_name(text: str, host: object) -> None:
    """R33."""
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text", ["127.1", "0x7f.1", "010.0.0.1", "192.0.2.1.", "[192.0.2.1]", "[::1", "::1]", "::1/64", "fe80::1%e h", ""]
)
def test_a_route_to_something_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidName):
        parse_host(text)
