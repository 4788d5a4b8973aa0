"""The settings file of the Connect Server: TOML in, ServerSettings or every mistake with its line out."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails

from simulator.connect_server import toml_places
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
from simulator.errors import ConfigurationError, Problem
from simulator.names import Fqdn, Host, SipDomain, parse_host

_USER_NAME = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/-]+")
"What may stand before the @ without escaping (RFC 3261 §25.1)."
_TOML_ERROR = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL
)


def load(path: Path) -> ServerSettings:
    """Read the file; see `simulator.connect_server.settings.load`."""
    text = _read(path)
    document = _parse(path, text)
    places = toml_places.lines(text)
    problems: list[tuple[toml_places.Path, str]] = []
    tables = None
    try:
        tables = _File.model_validate(document, context=path.parent)
    except ValidationError as error:
        problems += [_explain(detail) for detail in error.errors(include_url=False)]
    problems += _repeated(document)
    if tables is None or problems:
        raise ConfigurationError(
            [_placed(path, places, where, message) for where, message in _in_order(places, problems)]
        )
    return tables.settings()


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigurationError(
            [Problem(f"{path}, line {line}", "This is not UTF-8; save the file as UTF-8.")]
        ) from error
    except OSError as error:
        raise ConfigurationError(
            [Problem(str(path), f"The file cannot be read: {error.strerror or error}.")]
        ) from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _TOML_ERROR.fullmatch(str(error))
        what = match["what"] if match else str(error)
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        if match and match["line"]:
            line, column = int(match["line"]), int(match["column"])
        problem = Problem(f"{path}, line {line}, column {column}", f"This is no TOML: {what}.")
        raise ConfigurationError([problem]) from error
    except RecursionError as error:
        raise ConfigurationError([Problem(str(path), "The arrays or tables are nested too deeply.")]) from error


def _placed(path: Path, places: dict[toml_places.Path, int], where: toml_places.Path, message: str) -> Problem:
    line = toml_places.line_of(places, where)
    parts = [str(path), *([f"line {line}"] if line is not None else []), toml_places.spell(where)]
    return Problem(", ".join(part for part in parts if part), message)


def _in_order(
    places: dict[toml_places.Path, int], problems: list[tuple[toml_places.Path, str]]
) -> list[tuple[toml_places.Path, str]]:
    """From the top of the file to its end; what is missing altogether comes first."""
    return sorted(problems, key=lambda problem: toml_places.line_of(places, problem[0]) or 0)


# Values. Each function takes what TOML gave and returns the value, or raises ValueError with the sentence to show.


def _shown(value: object) -> str:
    """A value as it stands in the file, for a sentence."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return repr(text[:80])[1:-1] + "…" * (len(text) > 80)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is no text; write it in quotation marks.")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{_shown(value)} is no switch; write true or false, without quotation marks.")
    return value


def _port_from(value: object, lowest: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= 65535:
        raise ValueError(f"{_shown(value)} is no port; write a number from {lowest} to 65535.")
    return value


def _port(value: object) -> int:
    return _port_from(value, 1)


def _port_or_any(value: object) -> int:
    return _port_from(value, 0)


def _domain(value: object) -> SipDomain:
    return SipDomain.parse(_text(value))


def _fqdn(value: object) -> Fqdn:
    return Fqdn.parse(_text(value))


def _host(value: object) -> Host:
    return parse_host(_text(value))


def _address(value: object) -> IPv4Address | IPv6Address:
    text = _text(value)
    try:
        return ip_address(text)
    except ValueError:
        raise ValueError(f"{_shown(value)} is no IP address, such as 192.168.1.100 or ::1.") from None


def _dns_server(value: object) -> DnsServer:
    text = _text(value)
    try:
        return DnsServer(ip_address(text))
    except ValueError:
        pass
    address, _, port = text.rpartition(":")
    try:
        if not re.fullmatch(r"[0-9]{1,5}", port):
            raise ValueError(port)
        bare = address[1:-1] if address.startswith("[") and address.endswith("]") else address
        if (":" in bare) != (bare != address):
            raise ValueError(address)
        return DnsServer(ip_address(bare), _port(int(port)))
    except ValueError:
        raise ValueError(
            f"{_shown(value)} is no name server; write address or address:port, such as 127.0.0.1:53 or [::1]:53."
        ) from None


def _user_name(value: object) -> str:
    name = _text(value)
    if "@" in name:
        raise ValueError(f"{_shown(value)} holds an @; write only what stands before it, the domain is set at the top.")
    if not _USER_NAME.fullmatch(name):
        raise ValueError(f"{_shown(value)} cannot stand before an @; write letters, digits, dots and - only.")
    return name


def _existing_file(value: object, info: ValidationInfo) -> Path:
    folder = cast("Path", info.context)
    path = folder / _text(value)
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    return path


_Text = Annotated[str, PlainValidator(_text)]
_Flag = Annotated[bool, PlainValidator(_flag)]
_File_ = Annotated[Path, PlainValidator(_existing_file)]


# Tables. `settings` turns each into its value.


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


class _Listen(_Table):
    address: Annotated[IPv4Address | IPv6Address, PlainValidator(_address)]
    port: Annotated[int, PlainValidator(_port_or_any)] = SIPS_PORT


class _Dns(_Table):
    server: Annotated[DnsServer, PlainValidator(_dns_server)]


class _Certificate(_Table):
    chain: _File_
    key: _File_


class _User(_Table):
    name: Annotated[str, PlainValidator(_user_name)]
    display_name: _Text | None = None
    federation: _Flag = True
    office_plus: _Flag = True

    def settings(self) -> User:
        display_name = self.name if self.display_name is None else self.display_name
        return User(self.name, display_name, self.federation, self.office_plus)


class _Route(_Table):
    domain: Annotated[SipDomain, PlainValidator(_domain)]
    host: Annotated[Host, PlainValidator(_host)]
    port: Annotated[int, PlainValidator(_port)] = SIPS_PORT
    enabled: _Flag = True

    def settings(self) -> Route:
        return Route(self.domain, self.host, self.port, self.enabled)


class _StaticRoutes(_Table):
    enabled: _Flag = False
    routes: list[_Route] = Field(default_factory=list)

    def settings(self) -> StaticRoutes:
        return StaticRoutes(self.enabled, tuple(route.settings() for route in self.routes))


class _OpenFederation(_Table):
    enabled: _Flag = False


class _File(_Table):
    domain: Annotated[SipDomain, PlainValidator(_domain)]
    fqdn: Annotated[Fqdn, PlainValidator(_fqdn)]
    trusted_roots: _File_
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


_TABLES: dict[tuple[str, ...], type[_Table]] = {
    (): _File,
    ("listen",): _Listen,
    ("dns",): _Dns,
    ("certificate",): _Certificate,
    ("users",): _User,
    ("static_routes",): _StaticRoutes,
    ("static_routes", "routes"): _Route,
    ("open_federation",): _OpenFederation,
}
"Which keys each table has, by its path without indexes."
_ARRAYS = {("users",), ("static_routes", "routes")}


# Mistakes.


def _explain(detail: ErrorDetails) -> tuple[toml_places.Path, str]:
    """A mistake that pydantic found: where, and a sentence of what to write instead."""
    where = detail["loc"]
    table = tuple(str(part) for part in where[:-1] if isinstance(part, str))
    match detail["type"]:
        case "missing":
            return where, f"It is missing; {_how_to_write(where)}."
        case "extra_forbidden":
            return where, _unknown(table, str(where[-1]))
        case "value_error":
            return where, str(detail["ctx"]["error"])
        case "list_type":
            return where, f"{_shown(detail['input'])} stands where a list of tables is needed; {_how_to_write(where)}."
        case _:
            return where, f"{_shown(detail['input'])} stands where a table is needed; {_how_to_write(where)}."


def _how_to_write(where: toml_places.Path) -> str:
    names = tuple(part for part in where if isinstance(part, str))
    if names in _ARRAYS:
        return f"begin each with a line [[{'.'.join(names)}]]"
    if names in _TABLES:
        return f"write a line [{'.'.join(names)}] and its settings below it"
    return f"write {names[-1]} = ... {_in_table(names[:-1])}"


def _in_table(table: tuple[str, ...]) -> str:
    if not table:
        return "above the first table"
    return f"in the table [[{'.'.join(table)}]]" if table in _ARRAYS else f"in the table [{'.'.join(table)}]"


def _unknown(table: tuple[str, ...], key: str) -> str:
    """A key that is not known here: one that belongs elsewhere, or a near miss."""
    known = _TABLES[table].model_fields
    for other, model in _TABLES.items():
        if key in model.model_fields:
            return f"There is no such setting here; {_how_to_write((*other, key))}."
    near = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.6)
    if near:
        return f"There is no such setting; did you mean {near[0]}?"
    return f"There is no such setting; known here are {', '.join(known)}."


def _repeated(document: dict[str, Any]) -> Iterator[tuple[toml_places.Path, str]]:
    """Users of one name and enabled routes to one domain, as far as the document has the shape for it."""
    seen: dict[str, int] = {}
    for index, user in _tables_in(document.get("users")):
        name = user.get("name")
        if isinstance(name, str) and seen.setdefault(name.lower(), index) != index:
            yield ("users", index, "name"), f"users[{seen[name.lower()]}] has the name {_shown(name)} already."
    routes = document.get("static_routes")
    targets: dict[SipDomain, int] = {}
    for index, route in _tables_in(routes.get("routes") if isinstance(routes, dict) else None):
        try:
            domain = _domain(route.get("domain"))
        except ValueError:
            continue  # the mistake itself is reported where the value is checked
        if route.get("enabled", True) is True and targets.setdefault(domain, index) != index:
            yield (
                ("static_routes", "routes", index, "domain"),
                f"static_routes.routes[{targets[domain]}] leads to {domain} already; only one may be enabled.",
            )


def _tables_in(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield index, item
