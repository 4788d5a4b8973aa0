"""Servers under test for the tests of the drivers."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from fakes.ca import Authority
from simulator.connect_server.certificates import CertificateStore
from simulator.connect_server.settings import (
    CertificateFolder,
    DnsServer,
    Listen,
    OpenFederation,
    ServerSettings,
    StaticRoutes,
)
from simulator.io.addresses import LoopbackAddresses
from simulator.names import Fqdn, SipDomain
from simulator.sut.base import SERVER_DAYS
from simulator.sut.embedded import DEFAULT_USERS
from tests.real.ports import free_port
from tests.sut.foreign import Foreign


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Foreign]:
    """A server that is ready to be started."""
    domain, fqdn = SipDomain.parse("acme.test"), Fqdn.parse("connect.acme.test")
    address, port = LoopbackAddresses().take()
    dns_port = free_port()
    with Authority(keep=tmp_path / "ca", folder=tmp_path) as authority:
        issued = authority.issue(str(fqdn), valid_days=SERVER_DAYS)
        store = CertificateStore(tmp_path / "store")
        store.choose(store.add(issued.chain_pem, issued.key_pem))
        settings = ServerSettings(
            domain=domain,
            fqdn=fqdn,
            listen=Listen(ip_address(address), port or free_port()),
            certificate=CertificateFolder(store.folder),
            trusted_roots=tmp_path / "ca" / "root.crt",
            dns=DnsServer(ip_address("127.0.0.1"), dns_port),
            users=DEFAULT_USERS,
            static_routes=StaticRoutes(enabled=True),
            open_federation=OpenFederation(enabled=True),
        )
        foreign = Foreign(tmp_path, settings, dns_port)
        try:
            yield foreign
        finally:
            if foreign.process is not None:
                foreign.process.close()
