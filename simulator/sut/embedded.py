"""The embedded Connect Server as the server under test, in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, TypeVar

from simulator.connect_server import operations
from simulator.connect_server.administration import Administration
from simulator.connect_server.certificate_list import describe
from simulator.connect_server.certificates import CertificateStore, StoredCertificate
from simulator.connect_server.server import ConnectServer
from simulator.connect_server.settings import (
    CertificateFiles,
    CertificateFolder,
    CertificateRules,
    DnsServer,
    Listen,
    OpenFederation,
    ServerSettings,
    StaticRoutes,
    User,
)
from simulator.connect_server.suitability import Demands
from simulator.errors import ConfigurationError
from simulator.io import user as facade
from simulator.io.mailbox import Mailbox
from simulator.io.surprises import take_surprises
from simulator.names import Fqdn, Host, SipDomain
from simulator.sut.base import CertificateRefused, HeldCertificate, Surroundings
from simulator.sut.capabilities import CAPABILITIES

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes.ca import Issued

T = TypeVar("T")

DEFAULT_USERS: Final = (
    User("alice", "Alice Example"),
    User("anna", "Anna Example"),
    User("carol", "Carol Example", office_plus=False),
    User("dave", "Dave Example", federation=False),
)
"""Alice and Anna may federate, Carol lacks the licence (R4), Dave's location has federation switched off (R5)."""


def default_settings(around: Surroundings, domain: SipDomain, fqdn: Fqdn, certificate: Issued) -> ServerSettings:
    """A server that takes part in everything: both connection types are on, and it asks our DNS.

    Its certificate is the active one of a store of its own.
    """
    address, port = around.addresses()
    store = CertificateStore(around.authority.folder("certificates"))
    store.choose(store.add(certificate.chain_pem, certificate.key_pem))
    dns_address, dns_port = around.dns
    return ServerSettings(
        domain=domain,
        fqdn=fqdn,
        listen=Listen(ip_address(address), port),
        certificate=CertificateFolder(store.folder),
        trusted_roots=around.authority.write_root(),
        dns=DnsServer(ip_address(dns_address), dns_port),
        users=DEFAULT_USERS,
        static_routes=StaticRoutes(enabled=True),
        open_federation=OpenFederation(enabled=True),
    )


class EmbeddedServer:
    """Drives a `ConnectServer` on the federation's loop and clock."""

    name = "embedded Connect Server"
    capabilities = frozenset(CAPABILITIES)

    def __init__(self, around: Surroundings, settings: ServerSettings) -> None:
        """Start it; ConfigurationError when certificate or address cannot be used."""
        self._around = around
        self._lane = str(settings.domain)
        self._loop = around.loop
        self.log: Mailbox[str] = Mailbox()
        "What the server said it decided, a sentence each."
        self.server = ConnectServer(settings, timers=around.timers, log=self._note)
        "For code on the loop."
        self._admin = Administration(self.server, self.log)
        self._closed = False
        self._loop.run(self.server.start())

    @property
    def domain(self) -> SipDomain:
        return self.server.settings.domain

    @property
    def fqdn(self) -> Fqdn:
        return self.server.settings.fqdn

    @property
    def address(self) -> str:
        return self.server.address[0]

    @property
    def port(self) -> int:
        return self.server.address[1]

    @property
    def settings(self) -> ServerSettings:
        """What is in force now."""
        return self.server.settings

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._loop.run(self.server.close())

    def take_surprises(self) -> list[str]:
        """What reached the users and no expectation took, a sentence each; all of it is taken then."""
        return self._loop.call(lambda: take_surprises(self.server.agent.accounts.values()))

    def apply(self, settings: ServerSettings) -> None:
        """Put other settings into force; see `ConnectServer.apply`."""
        self._loop.call(self.server.apply, settings)

    def user(self, name: str = "alice") -> facade.User:
        return facade.User(self._loop, self.server.agent, self.server.account(name))

    def add_route(self, domain: SipDomain, host: Host, port: int, *, enabled: bool = True) -> None:
        self._note(f"The test adds a static route: {domain} is at {host}:{port}, {_on(enabled)}.")
        self._loop.call(lambda: self._admin.put_route(domain, host, port, enabled=enabled))

    def switch_route(self, domain: SipDomain, *, enabled: bool) -> None:
        self._note(f"The test switches the static route to {domain} {_on(enabled)}.")
        self._loop.call(lambda: self._admin.change(operations.switch_route, domain, enabled=enabled))

    def switch_static_routes(self, *, enabled: bool) -> None:
        self._note(f"The test switches static routes {_on(enabled)}.")
        self._loop.call(lambda: self._admin.change(operations.switch_static_routes, enabled=enabled))

    def switch_open_federation(self, *, enabled: bool) -> None:
        self._note(f"The test switches open federation {_on(enabled)}.")
        self._loop.call(lambda: self._admin.change(operations.switch_open_federation, enabled=enabled))

    def license_server(self, *, licensed: bool) -> None:
        self._change(
            f"{'gives' if licensed else 'takes from'} the server its licence",
            operations.license_server,
            licensed=licensed,
        )

    def switch_federation(self, *, enabled: bool) -> None:
        self._change(f"switches federation {_on(enabled)}", operations.switch_federation, enabled=enabled)

    def license_user(self, name: str, *, office_plus: bool) -> None:
        told = f"{'gives' if office_plus else 'takes from'} {name} the Office Plus Pack"
        self._change(told, operations.license_user, name, office_plus=office_plus)

    def switch_user(self, name: str, *, enabled: bool) -> None:
        self._change(f"switches {name} {_on(enabled)}", operations.switch_user, name, federation=enabled)

    def put_user(self, name: str, *, location: str | None = None, group: str | None = None) -> None:
        self._note(f"The test puts {name} into {' and '.join(filter(None, (location, group)))}.")
        self._loop.call(lambda: self._admin.put_user(name, location=location, group=group))

    def switch_location(self, name: str, *, enabled: bool | None) -> None:
        self._note(f"The test switches the location {name} {_on(enabled)}.")
        self._loop.call(lambda: self._admin.put_location(name, enabled))

    def switch_group(self, name: str, *, enabled: bool | None) -> None:
        self._note(f"The test switches the group {name} {_on(enabled)}.")
        self._loop.call(lambda: self._admin.put_group(name, enabled))

    def list_certificates(self) -> list[HeldCertificate]:
        return self._loop.call(lambda: [self._held(one) for one in self.server.store.certificates()])

    def add_certificate(self, certificate: Issued) -> HeldCertificate:
        self._note(f"The test adds a certificate ({certificate.profile.name}) for {certificate.fqdn}.")
        pems = certificate.chain_pem, certificate.key_pem
        return self._taken(lambda: self._held(self._admin.add_certificate(*pems)))

    def activate_certificate(self, fingerprint: str) -> None:
        self._note(f"The test activates the certificate {fingerprint[:12]}.")
        self._taken(lambda: self._admin.activate_certificate(fingerprint))

    def _held(self, certificate: StoredCertificate) -> HeldCertificate:
        info = describe(certificate, Demands.of(self.settings), self.server.now)
        return HeldCertificate(info.fingerprint, info.active, info.usable, info.names, info.valid_until)

    def _taken(self, action: Callable[[], T]) -> T:
        try:
            return self._loop.call(action)
        except ConfigurationError as error:
            raise CertificateRefused(str(error)) from error

    def advance(self, seconds: float) -> None:
        """Nothing to do: the server runs on the federation's clock."""

    def start_instance(self, domain: SipDomain, fqdn: Fqdn, certificate: Issued) -> EmbeddedServer:
        address, port = self._around.addresses()
        chain, key = self._around.authority.write(certificate)
        settings = replace(
            self.settings,
            domain=domain,
            fqdn=fqdn,
            listen=Listen(ip_address(address), port),
            certificate=CertificateFiles(chain, key),
            certificate_rules=CertificateRules(unsuitable="warn"),  # what partners make of it is the scenario's
        )
        return EmbeddedServer(self._around, settings)

    def begin_test(self) -> None:
        self._loop.call(self._admin.begin_test)

    def end_test(self) -> list[str]:
        self._loop.call(self._admin.end_test)
        return []

    def _change(self, told: str, operation: Callable[..., ServerSettings], *arguments: object, **named: object) -> None:
        self._note(f"The test {told}.")
        self._loop.call(lambda: self._admin.change(operation, *arguments, **named))

    def _note(self, sentence: str) -> None:
        self.log.put(sentence)
        self._around.log(self._lane, sentence)


def _on(enabled: bool | None) -> str:
    return "to neither on nor off" if enabled is None else "on" if enabled else "off"
