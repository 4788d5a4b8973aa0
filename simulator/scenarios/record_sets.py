"""Shapes of a partner's DNS records, each as what it takes to publish it (RFC 2782; discovery facts §8)."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fakes.dns import Zone
    from simulator.federation import Federation
    from simulator.partner import Partner

SERVICE: Final = "_sipfederationtls._tcp"
Publish = Callable[["Federation", "Partner"], None]


@dataclass(frozen=True, slots=True)
class RecordSet:
    """What the DNS says of a partner that has an edge with an address, but no SRV record yet."""

    publish: Publish
    "Makes the records."
    fqdn: str = "sip.{domain}"
    "The name of the edge."
    domain: str = "{base}"
    "The partner's domain; `{base}` is a fresh one."
    a: bool = True
    "Whether the name of the edge has its address."

    def start(self, federation: Federation) -> Partner:
        """A partner with just these records."""
        domain = self.domain.format(base=federation.fresh_domain())
        fqdn = self.fqdn.format(domain=domain, parent=domain.partition(".")[2], other=federation.fresh_domain("other"))
        partner = federation.partner(domain=domain, fqdn=fqdn, srv=False, a=self.a)
        self.publish(federation, partner)
        return partner


def srv(*services: tuple[int, int, str]) -> Publish:
    """SRV records with priority, weight and target: `{fqdn}` is the edge, `{domain}` its domain; on the edge's port."""

    def publish(federation: Federation, partner: Partner) -> None:
        with federation.zones.edit(str(partner.domain)) as zone:
            for priority, weight, target in services:
                name = target.format(fqdn=partner.edge.fqdn, domain=partner.domain)
                zone.srv(SERVICE, priority, weight, partner.edge.port, name)

    return publish


def edge_record(federation: Federation, partner: Partner) -> None:
    """The one SRV record that points to the edge."""
    srv((0, 0, "{fqdn}"))(federation, partner)


def record_for(federation: Federation, partner: Partner, seconds: int) -> None:
    """The one SRV record that points to the edge, which may be kept that long."""
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.srv(SERVICE, 0, 0, partner.edge.port, str(partner.edge.fqdn), ttl=seconds)


def missing_for(federation: Federation, partner: Partner, seconds: int) -> None:
    """What the zone of the partner does not hold may be kept as missing for that long (RFC 2308 §5)."""
    origin = str(partner.domain)
    with federation.zones.edit(origin) as zone:
        zone.soa(primary=f"ns.{origin}", mailbox=f"hostmaster.{origin}", serial=2, minimum=seconds, ttl=seconds)


def nothing(federation: Federation, partner: Partner) -> None:
    """No SRV record."""


def under(owner: str) -> Publish:
    """The SRV record under another owner of the same zone."""

    def publish(federation: Federation, partner: Partner) -> None:
        with federation.zones.edit(str(partner.domain)) as zone:
            zone.srv(owner, 0, 0, partner.edge.port, str(partner.edge.fqdn))

    return publish


def under_another_domain(federation: Federation, partner: Partner) -> None:
    """The SRV record of somebody else's domain points to the edge (C3: ergos.de instead of acme.de)."""
    other = federation.partner(srv=False, a=False)
    with federation.zones.edit(str(other.domain)) as zone:
        zone.srv(SERVICE, 0, 0, partner.edge.port, str(partner.edge.fqdn))


def wildcard_address(federation: Federation, partner: Partner) -> None:
    """Every name of the domain has the address of the edge; there is no SRV record (F1.21)."""
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.a("*", partner.edge.address)


def target_below_a_wildcard(federation: Federation, partner: Partner) -> None:
    """The SRV target has its address by a wildcard only."""
    wildcard_address(federation, partner)
    edge_record(federation, partner)


def alias_target(federation: Federation, partner: Partner) -> None:
    """The SRV target is an alias (CNAME), which RFC 2782 forbids."""
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.a("host", partner.edge.address).cname(str(partner.edge.fqdn), f"host.{partner.domain}")
    edge_record(federation, partner)


def flattened_target(federation: Federation, partner: Partner) -> None:
    """The SRV target is an ALIAS, as providers call it: to whoever asks it has an address (R8)."""
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.a("host", partner.edge.address).alias(str(partner.edge.fqdn), f"host.{partner.domain}")
    edge_record(federation, partner)


def alias_loop(federation: Federation, partner: Partner) -> None:
    """The SRV target is an alias of an alias of itself."""
    edge_record(federation, partner)
    federation.dns.fault(str(partner.edge.fqdn), "cname-loop")


def many_targets(federation: Federation, partner: Partner) -> None:
    """The SRV answer takes more than a UDP datagram; the edge is the best of its targets."""
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.srv(SERVICE, 0, 0, partner.edge.port, str(partner.edge.fqdn))
        for number in range(40):
            spare = f"a-rather-long-name-of-a-spare-server-{number}.{partner.domain}"
            zone.srv(SERVICE, 10, 0, partner.edge.port, spare)


def beside_a_dead_address(federation: Federation, partner: Partner) -> None:
    """The one SRV target has an address where nothing listens, and then that of the edge (F1.18)."""
    edge_record(federation, partner)
    with federation.zones.edit(str(partner.domain)) as zone:
        zone.remove(str(partner.edge.fqdn), "A")
        if partner.edge.address.startswith("127.") and partner.edge.address != "127.0.0.1":
            zone.a(str(partner.edge.fqdn), "127.0.0.1")
        else:  # all addresses of this machine are one: the other family has nobody on that port
            zone.aaaa(str(partner.edge.fqdn), "::1")
        zone.a(str(partner.edge.fqdn), partner.edge.address)


@contextmanager
def not_seen_by_itself(federation: Federation, partner: Partner) -> Iterator[None]:
    """The partner's records are missing in another view of the DNS: the partner's own, where it has an address."""
    zones = [federation.zones.zone(origin) for origin in federation.zones.origins if origin != str(partner.domain)]
    with _another_view(federation, partner, zones):
        yield


@contextmanager
def seen_by_itself_only(federation: Federation, partner: Partner) -> Iterator[None]:
    """The SRV record of the partner is in another view of the DNS than the server's."""
    zones = {origin: federation.zones.zone(origin).copy() for origin in federation.zones.origins}
    zones[str(partner.domain)].srv(SERVICE, 0, 0, partner.edge.port, str(partner.edge.fqdn))
    with _another_view(federation, partner, zones.values()):
        yield


@contextmanager
def server_elsewhere_inside(federation: Federation, partner: Partner) -> Iterator[None]:
    """The name of the server under test has another address for the server itself than for the partner (R16, R17)."""
    zones = {origin: federation.zones.zone(origin).copy() for origin in federation.zones.origins}
    fqdn = str(federation.sut.fqdn)
    origin = max((one for one in zones if fqdn == one or fqdn.endswith(f".{one}")), key=len)
    if _shares_address(federation, partner):  # both ask as one: then it is the public address for both
        yield
        return
    with _another_view(federation, partner, zones.values()):
        federation.zones.replace_zone(zones[origin].copy().remove(fqdn, "A").a(fqdn, "192.0.2.100"))
        try:
            yield
        finally:
            federation.zones.replace_zone(zones[origin])


@contextmanager
def _another_view(federation: Federation, partner: Partner, zones: Iterable[Zone]) -> Iterator[None]:
    """Show these zones to the partner, or where it asks from the server's address to nobody who is there."""
    from fakes.dns import ZoneSet

    other = "203.0.113.0/24" if _shares_address(federation, partner) else partner.edge.address
    federation.dns.set_view(other, ZoneSet(zones))
    try:
        yield
    finally:
        federation.dns.set_view(other, None)


def _shares_address(federation: Federation, partner: Partner) -> bool:
    return partner.edge.address in ("127.0.0.1", federation.sut.address)


@contextmanager
def refusing_port(address: str) -> Iterator[int]:
    """A TCP port that refuses every connection for as long as the block lasts."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        holder.bind((address, 0))
        yield int(holder.getsockname()[1])
