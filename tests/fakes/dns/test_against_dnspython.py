"""Every answer equals that of a second implementation: dnspython's zone reader, and a resolver that takes the RFCs
(1034 §4.3.2, 4592 §3.3, 2308, 8020) word for word and shares nothing with ours."""

from __future__ import annotations

from dataclasses import dataclass

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataset
import dns.rdatatype
import dns.rrset
import dns.zone
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fakes.dns import Zone, ZoneSet

ORIGIN = dns.name.from_text("x.test")
TYPES = ["A", "AAAA", "SRV", "TXT", "CAA", "NS", "CNAME", "PTR", "MX", "SOA", "ANY"]

labels = st.sampled_from(["a", "b", "C", "_tcp", "*", "ns"])
owners = st.lists(labels, max_size=4).map(".".join)
targets = st.one_of(owners.map(lambda owner: f"{owner}.x.test." if owner else "x.test."), st.just("far.example."))
values = {
    "A": st.integers(1, 3).map(lambda n: f"192.0.2.{n}"),
    "AAAA": st.integers(1, 3).map(lambda n: f"2001:db8::{n}"),
    "SRV": st.tuples(st.integers(0, 2), targets).map(lambda pair: f"{pair[0]} 0 5061 {pair[1]}"),
    "TXT": st.sampled_from(['"one"', '"one" "two"', '""']),
    "CAA": st.sampled_from(['0 issue "ca.example"', '128 iodef "mailto:a@x.test"']),
    "NS": targets,
    "CNAME": targets,
    "PTR": targets,
    "MX": targets.map(lambda target: f"10 {target}"),
}


@st.composite
def zone_texts(draw: st.DrawFn) -> str:
    """Zone files that break no rule: an alias is alone, and no wildcard is delegated."""
    types: dict[str, set[str]] = {"": {"SOA", "NS"}}
    lines = ["@ 60 SOA ns hostmaster 1 2 3 4 30", "@ 60 NS ns"]
    for owner, type_ in draw(st.lists(st.tuples(owners, st.sampled_from(list(values))), max_size=14)):
        there = types.setdefault(owner.lower(), set())
        alone = (type_ == "CNAME" and there) or "CNAME" in there
        if alone or (type_ == "NS" and owner.startswith("*")):
            continue
        there.add(type_)
        lines.append(f"{owner or '@'} {draw(st.sampled_from([0, 5]))} {type_} {draw(values[type_])}")
    return "\n".join(lines) + "\n"


names = st.lists(st.sampled_from(["a", "A", "b", "c", "_tcp", "*", "ns", "z"]), max_size=5).map(
    lambda parts: dns.name.Name([part.encode() for part in parts]).concatenate(ORIGIN)
)


@dataclass
class Answer:
    """What an authoritative server says, in dnspython's words."""

    rcode: dns.rcode.Rcode
    authoritative: bool
    answer: list[str]
    authority: list[str]


def rrset_lines(name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> list[str]:
    """One line for each record, in a fixed order, in lower case."""
    lines = dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset)).to_text().splitlines()
    return sorted(line.lower() for line in lines)


class Naive:
    """RFC 1034 §4.3.2 as one reads it, one step after the other; slow and plain."""

    def __init__(self, text: str) -> None:
        self.zone = dns.zone.from_text(text, ORIGIN, relativize=False)

    def exists(self, name: dns.name.Name) -> bool:
        """RFC 4592 §2.2.2: a name exists when it or a name below it owns something."""
        return any(owner.is_subdomain(name) for owner, node in self.zone.nodes.items() if node.rdatasets)

    def delegation(self, name: dns.name.Name) -> dns.name.Name | None:
        """The highest name between the apex and `name` that owns NS records."""
        chain = []
        while name != ORIGIN:
            chain.append(name)
            name = name.parent()
        return next((at for at in reversed(chain) if self.zone.get_rdataset(at, "NS")), None)

    def node(self, name: dns.name.Name) -> dns.name.Name | None:
        """The owner that speaks for the name: itself, or the wildcard of its closest encloser."""
        if self.exists(name):
            return name
        encloser = name.parent()
        while not self.exists(encloser):
            encloser = encloser.parent()
        wildcard = dns.name.Name([b"*"]).concatenate(encloser)
        return wildcard if self.exists(wildcard) else None

    def ask(self, name: dns.name.Name, type_: str) -> Answer:
        """Walk the aliases, and answer."""
        answer: list[str] = []
        seen: set[dns.name.Name] = set()
        while name.is_subdomain(ORIGIN):
            if name in seen:
                return Answer(dns.rcode.NOERROR, True, answer, [])
            seen.add(name)
            cut = self.delegation(name)
            if cut is not None:
                referral = rrset_lines(cut, self.zone.find_rdataset(cut, "NS"))
                return Answer(dns.rcode.NOERROR, bool(answer), answer, referral)
            owner = self.node(name)
            if owner is None:
                return Answer(dns.rcode.NXDOMAIN, True, answer, self.soa())
            found = self.records(owner, type_)
            if found:
                return Answer(dns.rcode.NOERROR, True, answer + self.as_owned_by(name, found), [])
            alias = self.zone.get_rdataset(owner, "CNAME")
            if alias is None:
                return Answer(dns.rcode.NOERROR, True, answer, self.soa())
            answer = answer + rrset_lines(name, alias)
            name = alias[0].target
        return Answer(dns.rcode.NOERROR, True, answer, [])

    def records(self, owner: dns.name.Name, type_: str) -> list[dns.rdataset.Rdataset]:
        """The node's RRsets of the type."""
        node = self.zone.nodes.get(owner)
        rdatasets = node.rdatasets if node is not None else []
        return [one for one in rdatasets if type_ in ("ANY", dns.rdatatype.to_text(one.rdtype))]

    def as_owned_by(self, name: dns.name.Name, rdatasets: list[dns.rdataset.Rdataset]) -> list[str]:
        return sorted(line for rdataset in rdatasets for line in rrset_lines(name, rdataset))

    def soa(self) -> list[str]:
        """RFC 2308 §3: with the lower of its TTL and its minimum."""
        rdataset = self.zone.find_rdataset(ORIGIN, "SOA")
        (line,) = rrset_lines(ORIGIN, rdataset)
        ttl = min(rdataset.ttl, rdataset[0].minimum)
        return [line.replace(f" {rdataset.ttl} in", f" {ttl} in", 1)]


def ours(zones: ZoneSet, name: dns.name.Name, type_: str) -> Answer:
    query = dns.message.make_query(name, type_)
    wire = zones.answer(query.to_wire(), transport="tcp")
    assert wire is not None
    reply = dns.message.from_wire(wire, one_rr_per_rrset=True)
    assert query.is_response(reply)
    chain: list[dns.rrset.RRset] = []
    rest: list[dns.rrset.RRset] = []
    for rrset in reply.answer:
        (chain if rrset.rdtype == dns.rdatatype.CNAME and type_ not in ("CNAME", "ANY") else rest).append(rrset)
    answer = [line for rrset in chain for line in rrset_lines(rrset.name, rrset)]
    answer += sorted(line for rrset in rest for line in rrset_lines(rrset.name, rrset))
    authority = sorted(line for rrset in reply.authority for line in rrset_lines(rrset.name, rrset))
    return Answer(reply.rcode(), bool(reply.flags & dns.flags.AA), answer, authority)


HEAD = "@ 60 SOA ns hostmaster 1 2 3 4 30\n@ 60 NS ns\n"


@settings(deadline=None, max_examples=300)  # a busy machine is no defect
@given(text=zone_texts(), questions=st.lists(st.tuples(names, st.sampled_from(TYPES)), min_size=1, max_size=8))
@example(text=f"{HEAD}*.a 5 A 192.0.2.1\n", questions=[(dns.name.from_text("b.a.x.test"), "A")])
@example(text=f"{HEAD}b.*.a 5 A 192.0.2.1\n", questions=[(dns.name.from_text("c.a.x.test"), "A")])
@example(text=f"{HEAD}a 5 CNAME b.x.test.\nb 5 NS ns.b.x.test.\n", questions=[(dns.name.from_text("a.x.test"), "A")])
@example(text=f"{HEAD}a 5 CNAME a.x.test.\n", questions=[(dns.name.from_text("a.x.test"), "A")])
@example(text=f"{HEAD}* 5 CNAME c.b.x.test.\nb.b 5 A 192.0.2.1\n", questions=[(dns.name.from_text("a.x.test"), "A")])
def test_every_answer_is_that_of_an_independent_implementation(
    text: str, questions: list[tuple[dns.name.Name, str]]
) -> None:
    naive, zones = Naive(text), ZoneSet([Zone.from_text(text, "x.test")])
    for name, type_ in questions:
        assert ours(zones, name, type_) == naive.ask(name, type_), f"{type_} {name}"


@settings(deadline=None)
@given(text=zone_texts())
def test_a_zone_that_is_written_and_read_again_is_the_same(text: str) -> None:
    written = Zone.from_text(text, "x.test").to_text()

    assert dns.zone.from_text(written, ORIGIN, relativize=False) == dns.zone.from_text(text, ORIGIN, relativize=False)
    assert Zone.from_text(written, "x.test").to_text() == written
