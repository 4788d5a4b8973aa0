"""The settings file of the Connect Server: TOML in, ServerSettings or every mistake with its line out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainValidator

from simulator.connect_server.settings import (
    SIPS_PORT,
    CertificateFiles,
    DnsServer,
    Listen,
    OpenFederation,
    Route,
    ServerSettings,
    StaticRoutes,
    User,
)
from simulator.names import SipDomain
from simulator.toml import values
from simulator.toml.tables import Mistake, Table, read, tables_in

_USER_NAME = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/-]+")
"What may stand before the @ without escaping (RFC 3261 §25.1)."


def load(path: Path) -> ServerSettings:
    """Read the file; see `simulator.connect_server.settings.load`."""
    return read(path, _File, _repeated).settings()


def _dns_server(value: object) -> DnsServer:
    return DnsServer(*values.address_and_port(value, 53, "name server"))


def _user_name(value: object) -> str:
    name = values.text(value)
    if "@" in name:
        raise ValueError(
            f"{values.shown(value)} holds an @; write only what stands before it, the domain is set at the top."
        )
    if not _USER_NAME.fullmatch(name):
        raise ValueError(f"{values.shown(value)} cannot stand before an @; write letters, digits, dots and - only.")
    return name


# Tables. `settings` turns each into its value.


class _Listen(Table):
    address: values.Address
    port: values.PortOrAny = SIPS_PORT


class _Dns(Table):
    server: Annotated[DnsServer, PlainValidator(_dns_server)]


class _Certificate(Table):
    chain: values.ExistingFile
    key: values.ExistingFile


class _User(Table):
    name: Annotated[str, PlainValidator(_user_name)]
    display_name: values.Text | None = None
    federation: values.Flag = True
    office_plus: values.Flag = True

    def settings(self) -> User:
        display_name = self.name if self.display_name is None else self.display_name
        return User(self.name, display_name, self.federation, self.office_plus)


class _Route(Table):
    domain: values.Domain
    host: values.HostOrAddress
    port: values.Port = SIPS_PORT
    enabled: values.Flag = True

    def settings(self) -> Route:
        return Route(self.domain, self.host, self.port, self.enabled)


class _StaticRoutes(Table):
    enabled: values.Flag = False
    routes: list[_Route] = Field(default_factory=list)

    def settings(self) -> StaticRoutes:
        return StaticRoutes(self.enabled, tuple(route.settings() for route in self.routes))


class _OpenFederation(Table):
    enabled: values.Flag = False


class _File(Table):
    domain: values.Domain
    fqdn: values.HostName
    trusted_roots: values.ExistingFile
    listen: _Listen
    certificate: _Certificate
    dns: _Dns | None = None
    users: list[_User] = Field(default_factory=list)
    static_routes: _StaticRoutes = Field(default_factory=_StaticRoutes)
    open_federation: _OpenFederation = Field(default_factory=_OpenFederation)

    def settings(self) -> ServerSettings:
        return ServerSettings(
            domain=self.domain,
            fqdn=self.fqdn,
            listen=Listen(self.listen.address, self.listen.port),
            certificate=CertificateFiles(self.certificate.chain, self.certificate.key),
            trusted_roots=self.trusted_roots,
            dns=self.dns.server if self.dns else None,
            users=tuple(user.settings() for user in self.users),
            static_routes=self.static_routes.settings(),
            open_federation=OpenFederation(self.open_federation.enabled),
        )


def _repeated(document: dict[str, Any]) -> Iterator[Mistake]:
    """Users of one name and enabled routes to one domain, as far as the document has the shape for it."""
    seen: dict[str, int] = {}
    for index, user in tables_in(document.get("users")):
        name = user.get("name")
        if isinstance(name, str) and seen.setdefault(name.lower(), index) != index:
            yield ("users", index, "name"), f"users[{seen[name.lower()]}] has the name {values.shown(name)} already."
    routes = document.get("static_routes")
    targets: dict[SipDomain, int] = {}
    for index, route in tables_in(routes.get("routes") if isinstance(routes, dict) else None):
        try:
            domain = values.domain(route.get("domain"))
        except ValueError:
            continue  # the mistake itself is reported where the value is checked
        if route.get("enabled", True) is True and targets.setdefault(domain, index) != index:
            yield (
                ("static_routes", "routes", index, "domain"),
                f"static_routes.routes[{targets[domain]}] leads to {domain} already; only one may be enabled.",
            )
