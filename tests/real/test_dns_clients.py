"""dig and nslookup (ISC BIND), kdig (Knot DNS) and drill (ldns) ask the DNS fake and understand it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.dns import DnsServer, Zone, ZoneSet, running

Program = Callable[[str], Path]
Dig = Callable[..., str]

SRV_NAME = "_sipfederationtls._tcp.fabrikam.test"
EVERY_TYPE = r"""
$ORIGIN every.test.
$TTL 60
@       SOA   ns hostmaster 1 2 3 4 5
@       NS    ns
@       CAA   0 issue "ca.example"
@       MX    10 sip
@       TXT   "v=spf1 -all" "and more"
@       ALIAS sip
ns      A     127.1.2.4
sip  0  A     127.1.2.3
sip     AAAA  2001:db8::1
www     CNAME sip
9       PTR   sip
*.wild  A     127.1.2.9
sub     NS    ns.sub
ns.sub  A     127.1.2.5
_sipfederationtls._tcp SRV 10 20 5061 sip
x       TYPE65280 \# 3 010203
"""
QUESTIONS: list[tuple[str, str, list[str]]] = [
    ("every.test", "SOA", ["every.test. 60 IN SOA ns.every.test. hostmaster.every.test. 1 2 3 4 5"]),
    ("every.test", "NS", ["every.test. 60 IN NS ns.every.test."]),
    ("every.test", "CAA", ['every.test. 60 IN CAA 0 issue "ca.example"']),
    ("every.test", "MX", ["every.test. 60 IN MX 10 sip.every.test."]),
    ("every.test", "TXT", ['every.test. 60 IN TXT "v=spf1 -all" "and more"']),
    ("every.test", "A", ["every.test. 0 IN A 127.1.2.3"]),
    ("every.test", "AAAA", ["every.test. 60 IN AAAA 2001:db8::1"]),
    ("sip.every.test", "A", ["sip.every.test. 0 IN A 127.1.2.3"]),
    ("sip.every.test", "AAAA", ["sip.every.test. 60 IN AAAA 2001:db8::1"]),
    ("www.every.test", "A", ["www.every.test. 60 IN CNAME sip.every.test.", "sip.every.test. 0 IN A 127.1.2.3"]),
    ("www.every.test", "CNAME", ["www.every.test. 60 IN CNAME sip.every.test."]),
    ("9.every.test", "PTR", ["9.every.test. 60 IN PTR sip.every.test."]),
    ("any.wild.every.test", "A", ["any.wild.every.test. 60 IN A 127.1.2.9"]),
    (
        "_SipFederationTls._tcp.every.test",
        "SRV",
        ["_SipFederationTls._tcp.every.test. 60 IN SRV 10 20 5061 sip.every.test."],
    ),
    ("x.every.test", "TYPE65280", ["x.every.test. 60 IN TYPE65280 \\# 3 010203"]),
]


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    zone = Zone("fabrikam.test").srv("_sipfederationtls._tcp", 0, 0, 5061, "sip.fabrikam.test").a("sip", "127.1.2.3")
    zone.a("many", *(f"127.1.3.{host}" for host in range(100)))
    with running(ZoneSet([zone, Zone.from_text(EVERY_TYPE)])) as server:
        yield server


@pytest.fixture
def dig(program: Program, server: DnsServer) -> Callable[..., str]:
    """Return a callable that runs dig with these arguments and returns what it prints."""
    path = program("dig")

    def ask(*arguments: str) -> str:
        command = [str(path), f"@{server.address}", "-p", str(server.port), "+tries=1", "+time=5", *arguments]
        # Without HOME, nobody's .digrc has a say.
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env={}).stdout

    return ask


def answers(output: str) -> list[str]:
    """The lines of dig's answer section, blanks as one."""
    section = re.search(r";; ANSWER SECTION:\n((?:[^;\n].*\n)*)", output)
    return [" ".join(line.split()) for line in section[1].splitlines()] if section else []


def must_be_clean(output: str) -> None:
    """Fail when dig found something to complain about; no recursion is what we want, so that warning may stand."""
    complaints = [line for line in output.splitlines() if "WARNING" in line or "Warning" in line or "error" in line]
    assert [line for line in complaints if "recursion requested but not available" not in line] == []


over_both = pytest.mark.parametrize("over", ["+notcp", "+tcp"])


@over_both
def test_dig_gets_the_address(dig: Dig, over: str) -> None:
    output = dig("sip.fabrikam.test", "A", over)

    must_be_clean(output)
    assert answers(output) == ["sip.fabrikam.test. 5 IN A 127.1.2.3"]
    assert re.search(r"flags: qr aa rd;", output)


@over_both
def test_dig_gets_the_srv_record_and_the_address_behind_it(dig: Dig, over: str) -> None:
    output = dig(SRV_NAME, "SRV", over)

    must_be_clean(output)
    assert answers(output) == [f"{SRV_NAME}. 5 IN SRV 0 0 5061 sip.fabrikam.test."]
    assert re.search(r"ADDITIONAL SECTION:\nsip\.fabrikam\.test\.\s+5\s+IN\s+A\s+127\.1\.2\.3\n", output)


@over_both
@pytest.mark.parametrize(
    ("name", "status", "authority"),
    [
        ("nobody.fabrikam.test", "NXDOMAIN", 1),
        ("_tcp.fabrikam.test", "NOERROR", 1),
        ("sip.contoso.test", "REFUSED", 0),
    ],
)
def test_dig_sees_what_is_not_there(dig: Dig, over: str, name: str, status: str, authority: int) -> None:
    output = dig(name, "A", over)

    must_be_clean(output)
    assert f"status: {status}," in output
    assert f"ANSWER: 0, AUTHORITY: {authority}," in output
    assert answers(output) == []


def test_dig_comes_back_over_tcp_when_an_answer_is_cut_short(dig: Dig, server: DnsServer) -> None:
    before = len(server.history)
    output = dig("many.fabrikam.test", "A")

    assert len(answers(output)) == 100
    assert [query.transport for query in server.history[before:]] == ["udp", "tcp"]


@pytest.mark.cites("R22", "R29")
def test_nslookup_gets_the_address(program: Program, server: DnsServer) -> None:
    command = [
        str(program("nslookup")),
        f"-port={server.port}",
        "-nosearch",
        "-type=A",
        "sip.fabrikam.test",
        server.address,
    ]
    output = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout

    assert re.search(r"Name:\s+sip\.fabrikam\.test\nAddress:\s+127\.1\.2\.3\n", output)
    assert "Non-authoritative" not in output


def test_nslookup_is_told_that_a_name_does_not_exist(program: Program, server: DnsServer) -> None:
    command = [
        str(program("nslookup")), f"-port={server.port}", "-nosearch", "-type=A", "nobody.fabrikam.test", server.address
    ]  # fmt: skip
    output = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout

    assert "server can't find nobody.fabrikam.test: NXDOMAIN" in output


@pytest.mark.cites("R24", "R42", "R78")
def test_nslookup_gets_the_srv_record(program: Program, server: DnsServer) -> None:
    command = [str(program("nslookup")), f"-port={server.port}", "-nosearch", "-type=SRV", SRV_NAME, server.address]
    output = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout

    assert f"{SRV_NAME}\tservice = 0 0 5061 sip.fabrikam.test.\n" in output


COMMANDS: dict[str, Callable[[str, int, str, str, bool], list[str]]] = {
    "dig": lambda address, port, name, type_, tcp: [
        f"@{address}", "-p", str(port), "+tries=1", "+tcp" if tcp else "+notcp", name, type_
    ],
    "kdig": lambda address, port, name, type_, tcp: [
        f"@{address}", "-p", str(port), "+retry=0", *(["+tcp"] if tcp else []), name, type_
    ],
    "drill": lambda address, port, name, type_, tcp: [
        "-p", str(port), *(["-t"] if tcp else []), name, type_, f"@{address}"
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "type_", "expected"), QUESTIONS, ids=lambda value: value if str(value) == value else ""
)
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("client", COMMANDS)
def test_every_type_is_understood(
    program: Program, server: DnsServer, client: str, tcp: bool, name: str, type_: str, expected: list[str]
) -> None:
    command = [str(program(client)), *COMMANDS[client](server.address, server.port, name, type_, tcp)]
    output = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env={}).stdout

    # drill writes the names of a section in the letter case of the question and in lower case elsewhere.
    assert [line.lower() for line in answers(output)] == [line.lower() for line in expected]
    assert server.must_have_been_asked(name, type_, transport="tcp" if tcp else "udp")


@pytest.mark.parametrize("client", COMMANDS)
def test_a_delegation_is_understood(program: Program, server: DnsServer, client: str) -> None:
    command = [str(program(client)), *COMMANDS[client](server.address, server.port, "a.sub.every.test", "A", False)]
    output = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True, env={}).stdout

    assert answers(output) == []
    sections = {" ".join(line.split()) for line in output.splitlines()}
    assert {"sub.every.test. 60 IN NS ns.sub.every.test.", "ns.sub.every.test. 60 IN A 127.1.2.5"} <= sections


def test_kdig_asks_several_questions_on_one_connection(program: Program, server: DnsServer) -> None:
    before = server.query_count
    command = [str(program("kdig")), f"@{server.address}", "-p", str(server.port), "+tcp", "+keepopen"]
    names = ["sip.fabrikam.test", "www.every.test", "nobody.every.test"]
    subprocess.run([*command, *names], capture_output=True, text=True, timeout=30, check=True, env={})

    queries = server.history[-3:]
    assert server.query_count == before + 3
    assert [query.name for query in queries] == names
    assert len({query.client for query in queries}) == 1
