"""Names and the name rule: the documented examples, the IDNA table and every reason for a refusal (R9-R15, P1-P8)."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from simulator.errors import InvalidName
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
from simulator.names.scripts import LOOKALIKES, scripts_of

ROOT = Path(__file__).parents[1]

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
    ("text", "flaw", "because"),
    [
        ("", NameFlaw.EMPTY, "is empty"),
        (".", NameFlaw.EMPTY, "is empty"),
        ("a..b", NameFlaw.EMPTY_LABEL, "empty label"),
        (".acme.com", NameFlaw.EMPTY_LABEL, "empty label"),
        ("acme.com..", NameFlaw.EMPTY_LABEL, "empty label"),
        ("a\u00ad.\u00ad.com", NameFlaw.EMPTY_LABEL, "empty label"),  # soft hyphens map to nothing
        ("acme com", NameFlaw.SPACE, "space"),
        (" acme.com", NameFlaw.SPACE, "space"),
        ("acme.com\n", NameFlaw.SPACE, "space"),
        ("acme\u00a0.com", NameFlaw.SPACE, "space"),
        ("_sip.acme.com", NameFlaw.UNDERSCORE, "underscore"),
        ("ü_.acme.com", NameFlaw.UNDERSCORE, "underscore"),
        ("*.acme.com", NameFlaw.WILDCARD, "wildcard"),
        ("*", NameFlaw.WILDCARD, "wildcard"),
        ("sip.acme.com:5061", NameFlaw.URI, "port"),
        ("sip:acme.com", NameFlaw.URI, "scheme"),
        ("[acme.com]", NameFlaw.URI, "brackets"),
        ("alice@acme.com", NameFlaw.CHARACTER, "'@'"),
        ("acme\x00.com", NameFlaw.CHARACTER, "U\\+0000"),
        ("a/ü.com", NameFlaw.CHARACTER, "'/'"),
        ("-acme.com", NameFlaw.HYPHEN, "hyphen"),
        ("acme-.com", NameFlaw.HYPHEN, "hyphen"),
        ("ac--me.com", NameFlaw.RESERVED_HYPHENS, "third and fourth"),
        ("xn--0.pt", NameFlaw.A_LABEL, "internationalised label"),
        ("xn--a", NameFlaw.A_LABEL, "internationalised label"),
        ("xn--.de", NameFlaw.HYPHEN, "hyphen"),
        ("xn--strasse-.de", NameFlaw.HYPHEN, "hyphen"),
        ("xn--n3h.net", NameFlaw.A_LABEL, "internationalised label"),
        (
            "xn---bbk.de",
            NameFlaw.A_LABEL,
            "label 'xn---bbk' is no",
        ),  # decodes, but to what another A-label is for (RFC 5891 §5.3)
        ("☃.net", NameFlaw.IDNA, "IDNA 2008"),
        ("a\u200db.com", NameFlaw.IDNA, "IDNA 2008"),
        ("a\ud800.com", NameFlaw.IDNA, "IDNA 2008"),
        ("a" * 64 + ".com", NameFlaw.LABEL_TOO_LONG, "longer than 63"),
        ("ü" * 64 + ".com", NameFlaw.LABEL_TOO_LONG, "label too long"),
        (".".join(["a" * 63] * 4), NameFlaw.TOO_LONG, "longer than 253"),
        ("a." * 5000 + "com", NameFlaw.TOO_LONG, "longer than 253"),
        ("ü" * 5000 + ".com", NameFlaw.TOO_LONG, "longer than 253"),
        ("acme.3com", NameFlaw.NUMERIC_TOP_LABEL, "begin with a letter"),
        ("acme.123", NameFlaw.NUMERIC_TOP_LABEL, "begin with a letter"),
        ("1.2.3.4.5", NameFlaw.NUMERIC_TOP_LABEL, "begin with a letter"),
    ],
)
def test_what_is_no_host_name_is_refused_with_its_reason(text: str, flaw: NameFlaw, because: str) -> None:
    for kind in (Fqdn, SipDomain):
        with pytest.raises(FlawedName, match=because) as caught:
            kind.parse(text)
        assert caught.value.flaw is flaw
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
        "[192.0.2.1]",
    ],
)
def test_an_ip_address_in_any_spelling_is_no_name(text: str) -> None:
    for kind in (Fqdn, SipDomain):
        with pytest.raises(FlawedName, match="IP address") as caught:
            kind.parse(text)
        assert caught.value.flaw is NameFlaw.IP_ADDRESS


def test_a_single_label_is_a_host_but_no_sip_domain() -> None:
    assert Fqdn.parse("localhost").labels == ("localhost",)
    with pytest.raises(FlawedName, match="two labels") as caught:
        SipDomain.parse("localhost")
    assert caught.value.flaw is NameFlaw.SINGLE_LABEL


def test_the_longest_sip_domain_is_the_one_whose_srv_name_can_still_be_looked_up() -> None:
    """253 characters less the 23 of the prefix (F7.3)."""
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 38])
    assert len(longest) == 230

    assert len(SipDomain.parse(longest).srv_name) == 253
    assert len(str(Fqdn.parse(longest + "d"))) == 231, "a host may be longer, nothing stands before its name"
    with pytest.raises(FlawedName, match="longer than 230") as caught:
        SipDomain.parse(longest + "d")
    assert caught.value.flaw is NameFlaw.DOMAIN_TOO_LONG


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


def test_a_zone_that_is_none_is_a_flaw_of_its_own() -> None:
    with pytest.raises(FlawedName) as caught:
        parse_host("fe80::1%e h")
    assert caught.value.flaw is NameFlaw.IP_ZONE


@pytest.mark.parametrize(
    ("domain", "target", "answer", "reason", "flawed"),
    [
        ("connect.acme.com", "connect.acme.com", NameAnswer.ALLOWED, NameRuleReason.EQUAL, None),
        ("Connect.ACME.com.", "sip.connect.acme.com", NameAnswer.ALLOWED, NameRuleReason.DIRECT_SUBDOMAIN, None),
        ("connect.acme.com", "acme.com", NameAnswer.NOT_ALLOWED, NameRuleReason.PARENT_DOMAIN, None),
        ("acme.com", "a.b.acme.com", NameAnswer.NOT_ALLOWED, NameRuleReason.TOO_DEEP, None),
        ("acme.com", "*.acme.com", NameAnswer.INVALID, NameFlaw.WILDCARD, "target"),
        ("acme.com", "192.0.2.1", NameAnswer.INVALID, NameFlaw.IP_ADDRESS, "target"),
        ("acme.com", "sip..acme.com", NameAnswer.INVALID, NameFlaw.EMPTY_LABEL, "target"),
        ("acme", "sip.acme", NameAnswer.INVALID, NameFlaw.SINGLE_LABEL, "domain"),
        ("acme.123", "sip.acme.123", NameAnswer.INVALID, NameFlaw.NUMERIC_TOP_LABEL, "domain"),
    ],
)
def test_invalid_and_not_allowed_are_different_answers(
    domain: str, target: str, answer: NameAnswer, reason: NameFlaw | NameRuleReason, flawed: str | None
) -> None:
    """P6."""
    judgement = judge_names(domain, target)

    assert (judgement.answer, judgement.reason, judgement.flawed) == (answer, reason, flawed)
    assert (domain if flawed == "domain" else target).lower() in judgement.sentence
    assert judgement.sentence.endswith(".")


def test_a_judgement_can_refuse_the_domains_own_name_and_carries_the_warnings_of_both() -> None:
    judgement = judge_names("co.uk", "co.uk", equal_ok=False)
    assert (judgement.answer, judgement.reason) == (NameAnswer.NOT_ALLOWED, NameRuleReason.EQUALITY_NOT_ACCEPTED)
    assert [warning.kind for warning in judgement.warnings] == [NameWarningKind.PUBLIC_SUFFIX]

    judgement = judge_names("аcme.com", "localhost")
    assert [warning.kind for warning in judgement.warnings] == [
        NameWarningKind.MIXED_SCRIPTS,
        NameWarningKind.SINGLE_LABEL,
    ]


@pytest.mark.parametrize(
    ("text", "kind", "scripts", "other"),
    [
        ("аcme.com", NameWarningKind.MIXED_SCRIPTS, ("Cyrillic", "Latin"), "acme.com"),
        ("xn--cme-5cd.com", NameWarningKind.MIXED_SCRIPTS, ("Cyrillic", "Latin"), "acme.com"),
        ("sip.αβcd.com", NameWarningKind.MIXED_SCRIPTS, ("Greek", "Latin"), None),
        ("日本аб.jp", NameWarningKind.MIXED_SCRIPTS, ("Cyrillic", "Han"), None),
        ("осе.com", NameWarningKind.LOOKALIKE, ("Cyrillic",), "oce.com"),
        ("ονι.com", NameWarningKind.LOOKALIKE, ("Greek",), "ovi.com"),
        ("оса.рф", None, (), None),  # a Cyrillic name under a Cyrillic top label deceives nobody
        ("москва.com", None, (), None),
        ("bücher.example", None, (), None),
        ("日本ひらカナabc.jp", None, (), None),
        ("々ー.jp", None, (), None),
        ("한국abc.kr", None, (), None),
        ("straße.de", NameWarningKind.IDNA_2003, (), "strasse.de"),
        ("βόλος.com", NameWarningKind.IDNA_2003, (), "xn--nxasmq6b.com"),
        ("ß" * 40 + ".de", NameWarningKind.IDNA_2003, (), None),
        ("co.uk", NameWarningKind.PUBLIC_SUFFIX, (), None),
        ("github.io", NameWarningKind.PUBLIC_SUFFIX, (), None),
        ("公司.cn", NameWarningKind.PUBLIC_SUFFIX, (), None),
        ("acme.co.uk", None, (), None),
        ("fabrikam.test", None, (), None),
    ],
)
def test_a_name_that_is_legal_and_seldom_meant_is_warned_of(
    text: str, kind: NameWarningKind | None, scripts: tuple[str, ...], other: str | None
) -> None:
    """F7.2, P10."""
    found = warnings_of(SipDomain.parse(text))

    assert [(warning.kind, warning.scripts, warning.other) for warning in found] == (
        [(kind, scripts, other)] if kind else []
    )
    for warning in found:
        assert str(SipDomain.parse(text)) in warning.sentence
        assert all(script in warning.sentence for script in scripts)
        assert other is None or other in warning.sentence


def test_every_letter_that_passes_for_another_is_named_at_once() -> None:
    found = warnings_of(Fqdn.parse("ѕіp.аcme.com"))

    assert [warning.other for warning in found] == ["sip.acme.com", "sip.acme.com"]


@pytest.mark.parametrize("host", [IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")])
def test_a_route_to_an_address_is_warned_of(host: IPv4Address | IPv6Address) -> None:
    """R34."""
    (warning,) = warnings_of(host)

    assert warning.kind is NameWarningKind.IP_ADDRESS
    assert str(host) in warning.sentence


def test_a_host_is_warned_of_for_what_it_is_itself() -> None:
    """A host that is a public suffix serves nobody but itself; one without a domain is found by nobody."""
    assert warnings_of(Fqdn.parse("co.uk")) == ()
    assert [warning.kind for warning in warnings_of(Fqdn.parse("localhost"))] == [NameWarningKind.SINGLE_LABEL]


def test_the_list_of_public_suffixes_is_read_only_when_it_is_asked_for() -> None:
    """It takes longer to read than everything else that the names need."""
    code = "import sys, simulator.federation; sys.exit('publicsuffixlist' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("letter", LOOKALIKES)
def test_a_lookalike_is_a_letter_of_another_script_that_names_may_hold(letter: str) -> None:
    latin = LOOKALIKES[letter]

    assert (len(letter), len(latin)) == (1, 1)
    assert scripts_of(latin) == ("Latin",)
    assert scripts_of(letter) in (("Cyrillic",), ("Greek",))
    assert Fqdn.parse(f"{letter}.test") != Fqdn.parse(f"{latin}.test")
