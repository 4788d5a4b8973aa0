"""A CA, and settings that name its files."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from fakes.ca import Authority
from simulator.connect_server.settings import (
    CertificateFolder,
    Listen,
    OpenFederation,
    ServerSettings,
    User,
)
from simulator.names import Fqdn, SipDomain


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    with Authority() as made:
        yield made


@pytest.fixture
def settings(tmp_path: Path, authority: Authority) -> ServerSettings:
    """A server that takes its certificate from an empty store."""
    roots = tmp_path / "roots.pem"
    roots.write_bytes(authority.root_pem)
    return ServerSettings(
        domain=SipDomain.parse("acme.test"),
        fqdn=Fqdn.parse("connect.acme.test"),
        listen=Listen(ip_address("127.0.0.1"), 0),
        certificate=CertificateFolder(tmp_path / "certificates"),
        trusted_roots=roots,
        users=(User("alice"),),
        open_federation=OpenFederation(enabled=True),
    )
