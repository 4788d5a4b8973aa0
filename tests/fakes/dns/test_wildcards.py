"""Wildcards, with the example that RFC 4592 §2.2.1 works out."""

from __future__ import annotations

import dns.message
import pytest

from fakes.dns import Reply, Zone, ZoneSet

RFC_4592 = Zone.from_text(
    """
$ORIGIN example.
@                 3600 IN SOA  ns.example.com. hostmaster 1 2 3 4 5
@                 3600    NS   ns.example.com.
@                 3600    NS   ns.example.net.
*                 3600    TXT  "this is a wildcard"
*                 3600    MX   10 host1.example.
sub.*             3600    TXT  "this is not a wildcard"
host1             3600    A    192.0.2.1
_ssh._tcp.host1   3600    SRV  0 0 22 host1
_ssh._tcp.host2   3600    SRV  0 0 22 host1
subdel            3600    NS   ns.example.com.
subdel            3600    NS   ns.example.net.
"""
)


def asked(zone: Zone, name: str, type_: str) -> Reply:
    reply = ZoneSet([zone]).respond(dns.message.make_query(name, type_).to_wire(), transport="tcp")
    assert reply is not None
    return reply


@pytest.mark.parametrize(
    ("name", "type_", "answers"),
    [
        ("host3.example", "MX", ["host3.example. 3600 IN MX 10 host1.example."]),
        ("foo.bar.example", "TXT", ['foo.bar.example. 3600 IN TXT "this is a wildcard"']),
        ("*.example", "TXT", ['*.example. 3600 IN TXT "this is a wildcard"']),
        ("sub.*.example", "TXT", ['sub.*.example. 3600 IN TXT "this is not a wildcard"']),
        ("FOO.example", "MX", ["FOO.example. 3600 IN MX 10 host1.example."]),
    ],
)
def test_the_example_of_the_rfc_answers(name: str, type_: str, answers: list[str]) -> None:
    assert list(map(str, asked(RFC_4592, name, type_).answers)) == answers


@pytest.mark.parametrize(
    ("name", "type_", "code", "why"),
    [
        ("host3.example", "A", "NOERROR", "the wildcard has no A record"),
        ("host1.example", "MX", "NOERROR", "host1 exists"),
        ("sub.*.example", "MX", "NOERROR", "sub.* exists"),
        ("_telnet._tcp.host1.example", "SRV", "NXDOMAIN", "_tcp.host1 exists and has no wildcard"),
        ("ghost.*.example", "MX", "NXDOMAIN", "* exists and has no wildcard below it"),
        ("_tcp.host2.example", "MX", "NOERROR", "an empty non-terminal exists"),
        ("x.host2.example", "TXT", "NXDOMAIN", "an empty non-terminal is the closest name that exists"),
    ],
)
def test_the_example_of_the_rfc_has_no_answer(name: str, type_: str, code: str, why: str) -> None:
    reply = asked(RFC_4592, name, type_)

    assert (reply.rcode.name, reply.answers) == (code, ())


def test_a_delegation_comes_before_the_wildcard() -> None:
    reply = asked(RFC_4592, "host.subdel.example", "TXT")

    assert reply.answers == ()
    authority = dns.message.from_wire(reply.wire).authority[0].to_text()
    assert authority.startswith("subdel.example. 3600 IN NS ns.example.")


def test_a_wildcard_whose_star_is_an_empty_non_terminal_says_nothing() -> None:
    """The star exists because of the name below it, and owns nothing itself."""
    reply = asked(Zone("x.test").txt("sub.*", "deep"), "foo.x.test", "TXT")

    assert (reply.rcode.name, reply.answers) == ("NOERROR", ())


def test_a_wildcard_address_makes_every_srv_name_exist() -> None:
    """F1.21: `*.acme.com A` turns the missing SRV record from NXDOMAIN into NODATA."""
    zone = Zone("acme.test").a("*", "127.0.0.9")

    assert str(asked(zone, "_sipfederationtls._tcp.acme.test", "SRV").rcode.name) == "NOERROR"
    assert asked(Zone("acme.test"), "_sipfederationtls._tcp.acme.test", "SRV").rcode.name == "NXDOMAIN"
    assert str(asked(zone, "any.thing.acme.test", "A").answers[0]) == "any.thing.acme.test. 5 IN A 127.0.0.9"


def test_a_wildcard_alias_is_followed_and_each_name_is_its_own() -> None:
    zone = Zone("x.test").cname("*", "a.wild.x.test").a("*.wild", "127.0.0.3")

    assert list(map(str, asked(zone, "b.x.test", "A").answers)) == [
        "b.x.test. 5 IN CNAME a.wild.x.test.",
        "a.wild.x.test. 5 IN A 127.0.0.3",
    ]
