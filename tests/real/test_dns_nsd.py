"""NSD, an authoritative server by other people, says the same as the DNS fake to the same zone file."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from fakes.dns import Zone, ZoneSet, running
from tests.real.ports import free_port

DEADLINE = 20
ZONE = r"""
$TTL 60
@       SOA   ns hostmaster 1 2 3 4 30
@       NS    ns
@       CAA   0 issue "ca.example"
@       MX    10 sip
@       TXT   "v=spf1 -all" "and \"more\""
ns      A     127.1.2.4
sip  0  A     127.1.2.3
sip     AAAA  2001:db8::1
www     CNAME sip
chain   CNAME www
loop    CNAME pool
pool    CNAME loop
far     CNAME sip.contoso.test.
dead    CNAME nobody
down    CNAME x.sub
9       PTR   sip
*.wild  A     127.1.2.9
*.wild  TXT   "wild"
b.wild  TXT   "tame"
x.c.wild A    127.1.2.10
sub.*.star TXT "deep"
*.alias CNAME sip
*.more.alias CNAME y.wild
sub     NS    ns.sub
sub     NS    ns.contoso.test.
ns.sub  A     127.1.2.5
other   NS    ns.sub
deep.empty.non.terminal A 127.1.2.6
_sipfederationtls._tcp SRV 10 20 5061 sip
_sipfederationtls._tcp SRV 20 0 5062 www
_none._tcp SRV 0 0 0 .
x       TYPE65280 \# 3 010203
"""
OWNERS = [
    "@", "ns", "sip", "SIP", "x.sip", "www", "chain", "loop", "pool", "far", "dead", "down", "9", "wild", "a.wild",
    "A.b.wild", "b.wild", "c.wild", "y.c.wild", "x.c.wild", "*.wild", "a.*.wild", "star", "foo.star", "sub.*.star",
    "*.star", "x.alias", "alias", "y.more.alias", "more.alias", "sub", "x.sub", "y.x.sub", "ns.sub", "other",
    "a.other", "empty.non.terminal", "non.terminal", "terminal", "x.terminal", "_tcp", "_sipfederationtls._tcp",
    "x._sipfederationtls._tcp", "_none._tcp", "x", "nobody", "a.nobody",
]  # fmt: skip
TYPES = ["A", "AAAA", "SRV", "TXT", "CAA", "NS", "CNAME", "PTR", "MX", "SOA", "TYPE65280", "HTTPS"]


@contextmanager
def nsd(path: Path, folder: Path) -> Iterator[int]:
    """Serve `ZONE` by NSD on a free port, until the end of the block."""
    port = free_port()
    (folder / "zone").write_text(f"$ORIGIN fabrikam.test.\n{ZONE}", encoding="ascii")
    configuration = folder / "nsd.conf"
    lines = [
        "server:",
        f"  ip-address: 127.0.0.1@{port}",
        "  server-count: 1",
        "  minimal-responses: no",
        '  username: ""',
        '  chroot: ""',
        '  database: ""',
        f'  zonesdir: "{folder}"',
        f'  pidfile: "{folder}/pid"',
        f'  xfrdfile: "{folder}/xfrd"',
        f'  zonelistfile: "{folder}/list"',
        f'  cookie-secret-file: "{folder}/cookie"',
        "remote-control:",
        "  control-enable: no",
        "zone:",
        "  name: fabrikam.test",
        "  zonefile: zone",
    ]
    configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with subprocess.Popen([str(path), "-d", "-c", str(configuration)], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                said.append(line)
                if "nsd started" in line:
                    break
            else:
                pytest.fail(f"NSD did not start: {''.join(said)}")
            yield port
        finally:
            process.terminate()
            process.communicate()


def ask(port: int, name: str, type_: str) -> tuple[str, bool, list[str], list[str]]:
    """Code, AA, answer section, authority section where it says something: a positive answer needs none."""
    query = dns.message.make_query(name, type_, use_edns=0)
    reply = dns.query.tcp(query, "127.0.0.1", port=port, timeout=DEADLINE)
    answer = [line for rrset in reply.answer for line in sorted(rrset.to_text().lower().splitlines())]
    authority = [line for rrset in reply.authority for line in sorted(rrset.to_text().lower().splitlines())]
    final = bool(reply.answer) and not any(" soa " in line for line in authority) and reply.flags & dns.flags.AA
    return dns.rcode.to_text(reply.rcode()), bool(reply.flags & dns.flags.AA), answer, [] if final else authority


def test_every_answer_is_that_of_nsd_with_the_same_zone(program: Callable[[str], Path], tmp_path: Path) -> None:
    zone = Zone.from_text(ZONE, "fabrikam.test")
    with running(ZoneSet([zone])) as server, nsd(program("nsd"), tmp_path) as port:
        differences = []
        for owner in OWNERS:
            for type_ in TYPES:
                name = "fabrikam.test" if owner == "@" else f"{owner}.fabrikam.test"
                ours, theirs = ask(server.port, name, type_), ask(port, name, type_)
                if ours != theirs:
                    differences.append(f"{type_} {name}:\n  ours   {ours}\n  theirs {theirs}")
    assert not differences, "\n".join(differences)
