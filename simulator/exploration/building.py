"""From a topology to a running federation: records, certificate, policies, routes and switches over real sockets."""

from __future__ import annotations

import socket
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from typing import Final

from fakes.ca import PROFILES, Profile
from fakes.dns import Zone
from simulator.discovery import CacheRules
from simulator.federation import Federation
from simulator.names import Fqdn, Host, SipDomain, parse_host
from simulator.oracle import Names, Topology
from simulator.oracle.topology import Named, Port, Route, parent
from simulator.partner import FederationPolicy, Partner, Persona, Policy, Proxy, TenantPolicy, persona_named
from simulator.sut import ServerUnderTest

OWN_SHAPES: Final = {
    "lookalike": replace(PROFILES["dual"], name="lookalike", names=("x{fqdn}",)),
    "below": replace(PROFILES["dual"], name="below", names=("sip.{fqdn}",)),
    "parent": replace(PROFILES["dual"], name="parent", names=("{parent}",)),
}
"""Certificates that no profile of `fakes.ca` has; the oracle knows all of them (`simulator.oracle.SHAPES`)."""
USERS: Final = ("bob", "ben")
"Users of the partner: the one writes and watches, the other is written to and watched."
CAPABILITY: Final = {
    "route": "static-routes",
    "stray": "static-routes",
    "static_routes": "static-routes",
    "open_federation": "switch-open-federation",
    "server": "identity",
}
"What a server must be able to be told for a field of a topology to differ from the plain one."


def out_of_reach(capabilities: Collection[str]) -> tuple[str, ...]:
    """The fields of a topology that nobody can set on a server with these capabilities."""
    lacking = [field for field, needed in CAPABILITY.items() if needed not in capabilities]
    return (*lacking, *(["user"] if "licences" not in capabilities else []))


class Built:
    """A topology that runs; `close` it before its federation."""

    def __init__(self, federation: Federation, topology: Topology) -> None:
        self.federation = federation
        self.topology = topology
        self._held = ExitStack()
        self._dead: int | None = None
        standing = federation.sut
        self.names = Names(
            base=str(federation.fresh_domain()),
            other=str(federation.fresh_domain("hoster")),
            server=str(standing.domain),
            server_fqdn=str(standing.fqdn),
            own=str(federation.fresh_domain("acme")),
        )
        "What its templates stand for."
        self.named = Named(topology, self.names)
        self.server = self._server()
        "The server it is about."
        try:
            self.partner = self._partner()
            "The one partner."
            self._publish()
            self._configure()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give back what it held; the federation ends the rest."""
        self._held.close()

    def _server(self) -> ServerUnderTest:
        own = self.topology.server
        if own is None:
            return self.federation.sut
        named = self.named
        certificate = _shape(own.certificate)
        server = self.federation.server(named.server, named.server_fqdn, certificate=certificate)
        if not own.srv:
            with self.federation.zones.edit(named.server) as zone:
                zone.remove("_sipfederationtls._tcp", "SRV")
        return server

    def _partner(self) -> Partner:
        topology, named = self.topology, self.named
        domain = {"tenants": [named.domain]} if topology.tenant else {"domain": named.domain}
        return self.federation.partner(
            _persona(topology.persona),
            certificate=_shape(topology.certificate),
            fqdn=named.edge,
            srv=False,
            a=False,
            other_port=topology.own_port,
            policy=self._policy(),
            opposite=self.server,
            **domain,
        )

    def _policy(self) -> Policy:
        wanted, named = self.topology.policy, self.named

        def domains(entries: tuple[str, ...]) -> set[SipDomain]:
            return {SipDomain.parse(named.fill(entry)) for entry in entries}

        policy: Policy
        if self.topology.tenant:
            policy = TenantPolicy(
                allow_federated_users=wanted.federation,
                allowed=None if wanted.allowed is None else domains(wanted.allowed),
                blocked=domains(wanted.blocked),
                block_all_subdomains=wanted.subdomains,
                trial=wanted.trial,
            )
        else:
            policy = FederationPolicy(allow_federated_users=wanted.federation, partner_discovery=wanted.discovery)
            for domain in domains(wanted.allowed or ()):
                direct = wanted.proxy and domain == self.server.domain
                policy.allow(domain, Proxy(self.server.fqdn, self.server.port) if direct else None)
            for domain in domains(wanted.blocked):
                policy.block(domain)
        for user in USERS if not wanted.user else ():
            policy.user(user).enable_federation_access = False
        return policy

    # -- DNS ----------------------------------------------------------------------------------------------------

    def _publish(self) -> None:
        topology, named, zones = self.topology, self.named, self.federation.zones
        address = self.partner.edge.address
        if named.zone not in zones:
            zones.add_zone(Zone(named.zone, ttl=0, negative_ttl=0))
        with zones.edit(named.zone) as zone:
            match named.address:
                case "a":
                    zone.a(named.edge, address)
                case "wildcard":
                    zone.a(f"*.{parent(named.edge)}", address)
                case "alias":
                    zone.a("host", address).cname(named.edge, f"host.{named.zone}")
                case "flattened":
                    zone.a("host", address).alias(named.edge, f"host.{named.zone}")
        if not topology.srv:
            return
        with zones.edit(named.domain) as zone:
            for record in topology.srv:
                port = self._port(record.port)
                zone.srv(topology.owner, record.priority, record.weight, port, named.fill(record.target))
            if any(record.target.startswith("spare.") for record in topology.srv):
                zone.a("spare", address)

    def _port(self, port: Port) -> int:
        return self.partner.edge.port if port == "edge" else self._refusing_port()

    def _refusing_port(self) -> int:
        """A port of the edge's address that refuses every connection until the end."""
        if self._dead is None:
            address = self.partner.edge.address
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            holder = self._held.enter_context(socket.socket(family, socket.SOCK_STREAM))
            holder.bind((address, 0))
            self._dead = int(holder.getsockname()[1])
        return self._dead

    # -- the server -----------------------------------------------------------------------------------------------

    def _configure(self) -> None:
        topology, server = self.topology, self.server
        for route in (topology.stray, topology.route):
            if route is not None:
                domain = SipDomain.parse(self.named.fill(route.domain))
                server.add_route(domain, self._host(route), self._port(route.port), enabled=route.enabled)
        if not topology.static_routes:
            server.switch_static_routes(enabled=False)
        if not topology.open_federation:
            server.switch_open_federation(enabled=False)

    def _host(self, route: Route) -> Host:
        if route.host == "address":
            return parse_host(self.partner.edge.address)
        return Fqdn.parse(self.named.fill(route.host))


@cache
def _persona(name: str) -> Persona:
    """The persona without questions whose answers are known: there are no AAAA records, and the DNS never changes."""
    return persona_named(name).but(families=("A",), cache=CacheRules(shortest=60.0))


def _shape(name: str) -> str | Profile:
    return OWN_SHAPES.get(name, name)
