"""unbound, a recursive resolver as companies have it, resolves through the DNS fake."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest

from fakes.dns import DnsServer, Zone, ZoneSet, running
from tests.real.ports import free_port

DEADLINE = 20
SRV_NAME = "_sipfederationtls._tcp.fabrikam.test"

ZONE = r"""
$TTL 60
@       SOA   ns hostmaster 1 2 3 4 5
@       NS    ns
@       CAA   0 issue "ca.example"
@       MX    10 sip
@       TXT   "v=spf1 -all" "and more"
ns      A     127.1.2.4
sip  0  A     127.1.2.3
sip     AAAA  2001:db8::1
www     CNAME sip
far     CNAME sip.contoso.test.
dead    CNAME nobody
9       PTR   sip
*.wild  A     127.1.2.9
*.wild  TXT   "wild"
b.wild  TXT   "tame"
x.c.wild A    127.1.2.10
*.alias CNAME sip
sub     NS    ns.sub
ns.sub  A     127.1.2.5
deep.empty.non.terminal A 127.1.2.6
_sipfederationtls._tcp SRV 10 20 5061 sip
_none._tcp SRV 0 0 0 .
"""


QUESTIONS = [
    ("", "SOA"), ("", "CAA"), ("", "MX"), ("", "TXT"), ("sip", "A"), ("sip", "AAAA"), ("www", "A"), ("far", "A"),
    ("9", "PTR"), ("any.wild", "A"), ("y.alias", "A"), ("_sipfederationtls._tcp", "SRV"), ("_none._tcp", "SRV"),
    ("", "NS"),  # last, because unbound then goes where it says
]  # fmt: skip


@contextmanager
def unbound(path: Path, folder: Path, lines: Sequence[str]) -> Iterator[int]:
    """Run unbound with these lines of configuration on a free port, until the end of the block."""
    port = free_port()
    configuration = folder / "unbound.conf"
    head = [
        "remote-control:",
        "  control-enable: no",
        "server:",
        f"  interface: 127.0.0.1@{port}",
        "  do-daemonize: no",
        "  use-syslog: no",
        '  logfile: ""',
        '  pidfile: ""',
        '  username: ""',
        '  chroot: ""',
        f'  directory: "{folder}"',
        "  verbosity: 1",
        "  num-threads: 1",
        '  module-config: "iterator"',
        "  do-not-query-localhost: no",
        "  minimal-responses: no",
        '  local-zone: "." refuse',
        '  local-zone: "test." transparent',
    ]
    configuration.write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    command = [str(path), "-d", "-c", str(configuration)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if "start of service" in line:
                    break
            else:
                pytest.fail(f"unbound did not start: {''.join(said)}")
            yield port
        finally:
            process.terminate()
            process.communicate()


def ask(port: int, name: str, type_: str) -> dns.message.Message:
    query = dns.message.make_query(name, type_, use_edns=0)
    return dns.query.udp_with_fallback(query, "127.0.0.1", port=port, timeout=DEADLINE)[0]


def lines(reply: dns.message.Message) -> list[str]:
    """The answer section, in lower case and without times, which a cache counts down."""
    rows = [line.split(maxsplit=4) for rrset in reply.answer for line in rrset.to_text().splitlines()]
    return sorted(" ".join((row[0], *row[3:])).lower() for row in rows)


class TestAsResolver:
    """A recursive resolver between the server under test and us, as in every company."""

    @pytest.fixture
    def server(self) -> Iterator[DnsServer]:
        fabrikam = Zone.from_text(ZONE, "fabrikam.test").a("many", *(f"127.1.3.{host}" for host in range(200)))
        with running(ZoneSet([fabrikam, Zone("contoso.test").a("sip", "127.1.9.9")])) as server:
            yield server

    @pytest.fixture
    def resolver(self, program: Callable[[str], Path], server: DnsServer, tmp_path: Path) -> Iterator[int]:
        stub = [
            "  use-caps-for-id: yes",
            "stub-zone:",
            '  name: "test."',
            f"  stub-addr: {server.address}@{server.port}",
        ]
        with unbound(program("unbound"), tmp_path, stub) as port:
            yield port

    def test_every_record_is_resolved(self, resolver: int) -> None:
        seen = {
            (owner, type_): lines(ask(resolver, f"{owner}.fabrikam.test".lstrip("."), type_))
            for owner, type_ in QUESTIONS
        }
        assert seen == {
            ("", "SOA"): ["fabrikam.test. soa ns.fabrikam.test. hostmaster.fabrikam.test. 2 2 3 4 5"],
            ("", "NS"): ["fabrikam.test. ns ns.fabrikam.test."],
            ("", "CAA"): ['fabrikam.test. caa 0 issue "ca.example"'],
            ("", "MX"): ["fabrikam.test. mx 10 sip.fabrikam.test."],
            ("", "TXT"): ['fabrikam.test. txt "v=spf1 -all" "and more"'],
            ("sip", "A"): ["sip.fabrikam.test. a 127.1.2.3"],
            ("sip", "AAAA"): ["sip.fabrikam.test. aaaa 2001:db8::1"],
            ("www", "A"): ["sip.fabrikam.test. a 127.1.2.3", "www.fabrikam.test. cname sip.fabrikam.test."],
            ("far", "A"): ["far.fabrikam.test. cname sip.contoso.test.", "sip.contoso.test. a 127.1.9.9"],
            ("9", "PTR"): ["9.fabrikam.test. ptr sip.fabrikam.test."],
            ("any.wild", "A"): ["any.wild.fabrikam.test. a 127.1.2.9"],
            ("y.alias", "A"): ["sip.fabrikam.test. a 127.1.2.3", "y.alias.fabrikam.test. cname sip.fabrikam.test."],
            ("_sipfederationtls._tcp", "SRV"): [f"{SRV_NAME}. srv 10 20 5061 sip.fabrikam.test."],
            ("_none._tcp", "SRV"): ["_none._tcp.fabrikam.test. srv 0 0 0 ."],
        }

    @pytest.mark.parametrize(
        ("owner", "code"),
        [("nobody", "NXDOMAIN"), ("_tcp", "NOERROR"), ("non.terminal", "NOERROR"), ("dead", "NXDOMAIN")],
    )
    def test_what_is_not_there_is_told_apart(self, resolver: int, owner: str, code: str) -> None:
        reply = ask(resolver, f"{owner}.fabrikam.test", "A")

        assert dns.rcode.to_text(reply.rcode()) == code
        assert [line for line in lines(reply) if " a " in line] == []

    def test_letters_come_in_any_case_and_the_answer_is_believed(self, resolver: int, server: DnsServer) -> None:
        assert lines(ask(resolver, SRV_NAME, "SRV"))

        asked = server.must_have_been_asked(SRV_NAME, "SRV")
        assert any(query.asked != query.asked.lower() for query in asked)

    def test_a_cut_answer_brings_it_to_tcp(self, resolver: int, server: DnsServer) -> None:
        assert len(lines(ask(resolver, "many.fabrikam.test", "A"))) == 200

        assert server.must_have_been_asked("many.fabrikam.test", "A", transport="tcp")

    def test_a_ttl_of_0_is_asked_for_again(self, resolver: int, server: DnsServer) -> None:
        server.fault("sip.fabrikam.test", "changed-after-ttl-0", "A", value="127.1.2.77")

        seen = [lines(ask(resolver, "sip.fabrikam.test", "A")) for _ in range(2)]
        assert seen == [["sip.fabrikam.test. a 127.1.2.3"], ["sip.fabrikam.test. a 127.1.2.77"]]

    @pytest.mark.parametrize("kind", ["servfail", "refused", "cname-loop", "formerr"])
    def test_a_fault_is_a_server_failure_for_who_asks_it(self, resolver: int, server: DnsServer, kind: str) -> None:
        server.fault("sip.fabrikam.test", kind)

        assert ask(resolver, "sip.fabrikam.test", "A").rcode() == dns.rcode.SERVFAIL

    def test_an_srv_target_that_is_an_alias_is_followed(self, resolver: int, server: DnsServer) -> None:
        server.fault(SRV_NAME, "srv-target-cname")

        assert lines(ask(resolver, SRV_NAME, "SRV")) == [f"{SRV_NAME}. srv 10 20 5061 sip.fabrikam.test."]
        assert lines(ask(resolver, "sip.fabrikam.test", "A")) == [
            "host.sip.fabrikam.test. a 127.1.2.3",
            "sip.fabrikam.test. cname host.sip.fabrikam.test.",
        ]
