"""dig and nslookup (ISC BIND) ask the DNS fake and understand it."""

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


@pytest.fixture(scope="module")
def server() -> Iterator[DnsServer]:
    zone = Zone("fabrikam.test").srv("_sipfederationtls._tcp", 0, 0, 5061, "sip.fabrikam.test").a("sip", "127.1.2.3")
    zone.a("many", *(f"127.1.3.{host}" for host in range(100)))
    with running(ZoneSet([zone])) as server:
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
    section = re.search(r";; ANSWER SECTION:\n(.*?)\n\n", output, re.DOTALL)
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
