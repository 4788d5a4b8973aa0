"""The tables of a settings file, checked by pydantic; `settings` turns each into its value (R3-R6, R27-R58)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, cast

from pydantic import Field, PlainValidator, ValidationInfo, model_validator

from simulator.connect_server.key_files import KeyState, read_chain, read_key
from simulator.connect_server.settings import (
    SIPS_PORT,
    CertificateFiles,
    CertificateFolder,
    CertificateRules,
    DnsServer,
    FederationSwitch,
    Group,
    Licences,
    Listen,
    Location,
    OpenFederation,
    PartnerCertificates,
    Route,
    ServerSettings,
    StaticRoutes,
    User,
)
from simulator.toml import values
from simulator.toml.tables import Table

_USER_NAME = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/-]+")
"What may stand before the @ without escaping (RFC 3261 §25.1)."


def _one_of(*words: str) -> Callable[[object], str]:
    """A reader of one of these words."""
    *first, last = (f'"{word}"' for word in words)
    listed = f"{', '.join(first)} or {last}"

    def read_word(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"{values.shown(value)} is not known here; write {listed}.")
        return value

    return read_word


def _name(value: object) -> str:
    name = values.text(value)
    if not name or name != name.strip():
        raise ValueError(
            f"{values.shown(value)} is no name; write at least one letter, and no blank before or after it."
        )
    return name


def _user_name(value: object) -> str:
    name = values.text(value)
    if "@" in name:
        raise ValueError(
            f"{values.shown(value)} holds an @; write only what stands before it, the domain is set at the top."
        )
    if not _USER_NAME.fullmatch(name):
        raise ValueError(f"{values.shown(value)} cannot stand before an @; write letters, digits, dots and - only.")
    return name


def _dns_server(value: object) -> DnsServer:
    return DnsServer(*values.address_and_port(value, 53, "name server"))


def _chain_file(value: object, info: ValidationInfo) -> Path:
    path = values.existing_file(value, info)
    read_chain(path)
    return path


def _store_folder(value: object, info: ValidationInfo) -> Path:
    path = cast("Path", info.context) / values.text(value)
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file; a store is a folder.")
    return path


_Name = Annotated[str, PlainValidator(_name)]
_ChainFile = Annotated[Path, PlainValidator(_chain_file)]
_StoreFolder = Annotated[Path, PlainValidator(_store_folder)]


class ListenTable(Table):
    address: values.Address
    port: values.PortOrAny = SIPS_PORT

    def settings(self) -> Listen:
        return Listen(self.address, self.port)


class DnsTable(Table):
    server: Annotated[DnsServer, PlainValidator(_dns_server)]


class CertificateTable(Table):
    chain: _ChainFile | None = None
    key: values.ExistingFile | None = None
    store: _StoreFolder | None = None

    @model_validator(mode="after")
    def _one_source(self) -> CertificateTable:
        if (self.store is None) == (self.chain is None and self.key is None):
            raise ValueError("Write either chain = ... and key = ..., or store = ... alone.")
        if self.store is None:
            if self.chain is None or self.key is None:
                raise ValueError(f"The {'chain' if self.chain is None else 'key'} is missing; write both file names.")
            key = read_key(self.key, read_chain(self.chain)[0])
            if key.state is not KeyState.READABLE:
                raise ValueError(f"The certificate in {self.chain} cannot be used because {key.problem}.")
        return self

    def settings(self) -> CertificateFiles | CertificateFolder:
        if self.store is not None:
            return CertificateFolder(self.store)
        assert self.chain is not None and self.key is not None
        return CertificateFiles(self.chain, self.key)


class CertificateRulesTable(Table):
    usage: Annotated[Literal["server", "both"], PlainValidator(_one_of("server", "both"))] = "server"
    authority: Annotated[Literal["any", "recognised"], PlainValidator(_one_of("any", "recognised"))] = "any"
    scopes: Annotated[Literal["both", "machine"], PlainValidator(_one_of("both", "machine"))] = "both"
    unsuitable: Annotated[Literal["refuse", "warn"], PlainValidator(_one_of("refuse", "warn"))] = "refuse"

    def settings(self) -> CertificateRules:
        return CertificateRules(**self.model_dump())


class PartnerCertificatesTable(Table):
    revocation: Annotated[Literal["off", "soft", "hard"], PlainValidator(_one_of("off", "soft", "hard"))] = "off"
    usage: Annotated[Literal["server", "role"], PlainValidator(_one_of("server", "role"))] = "server"

    def settings(self) -> PartnerCertificates:
        return PartnerCertificates(**self.model_dump())


class LicencesTable(Table):
    server: values.Flag = True

    def settings(self) -> Licences:
        return Licences(self.server)


class FederationTable(Table):
    enabled: values.Flag = True
    precedence: Annotated[Literal["nearest", "every"], PlainValidator(_one_of("nearest", "every"))] = "nearest"

    def settings(self) -> FederationSwitch:
        return FederationSwitch(self.enabled, self.precedence)


class LocationTable(Table):
    name: _Name
    federation: values.Flag | None = None

    def settings(self) -> Location:
        return Location(self.name, self.federation)


class GroupTable(Table):
    name: _Name
    federation: values.Flag | None = None

    def settings(self) -> Group:
        return Group(self.name, self.federation)


class UserTable(Table):
    name: Annotated[str, PlainValidator(_user_name)]
    display_name: values.Text | None = None
    location: _Name | None = None
    group: _Name | None = None
    federation: values.Flag | None = None
    office_plus: values.Flag = True

    def settings(self) -> User:
        display_name = self.name if self.display_name is None else self.display_name
        return User(self.name, display_name, self.federation, self.office_plus, self.location, self.group)


class RouteTable(Table):
    domain: values.Domain
    host: values.HostOrAddress
    port: values.Port = SIPS_PORT
    enabled: values.Flag = True

    def settings(self) -> Route:
        return Route(self.domain, self.host, self.port, self.enabled)


class StaticRoutesTable(Table):
    enabled: values.Flag = False
    routes: list[RouteTable] = Field(default_factory=list)

    def settings(self) -> StaticRoutes:
        return StaticRoutes(self.enabled, tuple(route.settings() for route in self.routes))


class OpenFederationTable(Table):
    enabled: values.Flag = False
    name_rule: Annotated[Literal["warn", "refuse"], PlainValidator(_one_of("warn", "refuse"))] = "warn"
    aliases: values.Flag = True

    def settings(self) -> OpenFederation:
        return OpenFederation(self.enabled, self.name_rule, self.aliases)


class FileTable(Table):
    """The whole file."""

    domain: values.Domain
    fqdn: values.HostName
    trusted_roots: _ChainFile
    listen: ListenTable
    certificate: CertificateTable
    dns: DnsTable | None = None
    certificate_rules: CertificateRulesTable = Field(default_factory=CertificateRulesTable)
    partner_certificates: PartnerCertificatesTable = Field(default_factory=PartnerCertificatesTable)
    licences: LicencesTable = Field(default_factory=LicencesTable)
    federation: FederationTable = Field(default_factory=FederationTable)
    open_federation: OpenFederationTable = Field(default_factory=OpenFederationTable)
    static_routes: StaticRoutesTable = Field(default_factory=StaticRoutesTable)
    locations: list[LocationTable] = Field(default_factory=list)
    groups: list[GroupTable] = Field(default_factory=list)
    users: list[UserTable] = Field(default_factory=list)

    def settings(self) -> ServerSettings:
        return ServerSettings(
            domain=self.domain,
            fqdn=self.fqdn,
            listen=self.listen.settings(),
            certificate=self.certificate.settings(),
            trusted_roots=self.trusted_roots,
            dns=self.dns.server if self.dns else None,
            users=tuple(user.settings() for user in self.users),
            static_routes=self.static_routes.settings(),
            open_federation=self.open_federation.settings(),
            licences=self.licences.settings(),
            federation=self.federation.settings(),
            locations=tuple(location.settings() for location in self.locations),
            groups=tuple(group.settings() for group in self.groups),
            certificate_rules=self.certificate_rules.settings(),
            partner_certificates=self.partner_certificates.settings(),
        )
