"""The drivers whose servers are started by their own classes: embedded in this process, and Kamailio."""

from __future__ import annotations

from dataclasses import replace

from simulator.sut.base import SERVER_DAYS, ServerUnderTest, Surroundings
from simulator.sut.settings import ROLES, SutSettings


def embedded(settings: SutSettings, around: Surroundings) -> ServerUnderTest:
    """The embedded Connect Server, in this process."""
    from simulator.sut.embedded import EmbeddedServer, default_settings

    fqdn = settings.server_fqdn
    certificate = around.authority.issue(str(fqdn), valid_days=SERVER_DAYS)
    server = default_settings(around, settings.domain, fqdn, certificate)
    if settings.address is not None:
        from ipaddress import ip_address

        address, port = settings.address
        server = replace(server, listen=replace(server.listen, address=ip_address(address), port=port))
    started = EmbeddedServer(around, server)
    if settings.without:
        started.capabilities -= settings.without
    return started


def kamailio(settings: SutSettings, around: Surroundings) -> ServerUnderTest:
    """Kamailio, as a child process."""
    from simulator.sut.kamailio import KamailioServer

    domain, users = settings.domain, [settings.users[role].name for role in ROLES[:2]]
    started = KamailioServer(
        around, domain, settings.server_fqdn, users, lambda sentence: around.log(str(domain), sentence)
    )
    if settings.without:
        started.capabilities -= settings.without
    return started
