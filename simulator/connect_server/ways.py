"""How the settings say that a domain is reached, and what is demanded of its server there (R27-R42, C13, C19)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from simulator import discovery, trust
from simulator.connect_server.entitlement import server_entitlement
from simulator.connect_server.key_files import read_chain
from simulator.connect_server.settings import ServerSettings
from simulator.errors import ConfigurationError, Problem
from simulator.io.peering import NotFederated, OpenWay, StaticWay, Way
from simulator.io.resolver import Resolver
from simulator.io.revocation import RevocationLookups
from simulator.io.timers import Timers
from simulator.io.transport import TrustPolicy
from simulator.names import SipDomain

PEER_RULES: Final = replace(trust.CONNECT_SERVER, require_eku="server")
"""Partners may show a certificate for server authentication only in both TLS roles: since 2026 public authorities issue
no other (F2.13–F2.15). That our own certificate is to serve both (R58, C4) is another matter."""


def way_to(settings: ServerSettings, domain: SipDomain) -> Way:
    """How `domain` is reached; NotFederated when it is not to be.

    A static route for the domain comes first; a switched-off one keeps the domain off, for the route *is* the
    connection to that system (R37); every other domain is found by DNS when open federation is on (R39).
    """
    nobody = server_entitlement(settings)
    if nobody is not None:
        raise NotFederated(nobody.sentence)
    static, open_federation = settings.static_routes, settings.open_federation
    route = static.route_to(domain)
    if route is not None:
        return StaticWay(domain, route.host, route.port)
    if static.enabled and any(route.domain == domain for route in static.routes):
        raise NotFederated(f"The static route to {domain} is switched off.")
    if not open_federation.enabled:
        why = "open federation is switched off"
        if not static.enabled and any(route.domain == domain for route in static.routes):
            why = "static routes are switched off, and so is open federation"
        raise NotFederated(f"There is no way to {domain}: {why}.")
    return OpenWay(domain, replace(discovery.CONNECT_SERVER, follow_cname=open_federation.aliases))


def trust_policy(settings: ServerSettings, timers: Timers) -> TrustPolicy:
    """What partners' certificates must be like; ConfigurationError when the roots cannot be read."""
    try:
        roots = read_chain(settings.trusted_roots)
    except ValueError as error:
        raise ConfigurationError([Problem("trusted_roots", str(error))]) from error
    wanted = settings.partner_certificates
    rules = replace(PEER_RULES, revocation=wanted.revocation, require_eku=wanted.usage)
    lookups = None if wanted.revocation == "off" else RevocationLookups(timers.clock)
    return TrustPolicy(roots, rules, lookups)


def resolver(settings: ServerSettings, timers: Timers) -> Resolver:
    """Who is asked about names."""
    return Resolver((str(settings.dns.address), settings.dns.port) if settings.dns else None, timers=timers)
