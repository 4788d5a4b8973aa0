"""`sut.toml`: TOML in, SutSettings or every mistake with its line out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, cast

from pydantic import Field, PlainValidator, ValidationInfo

from simulator.connect_server.control.contract import BY_ACTION
from simulator.connect_server.control.service import read_token
from simulator.names import SipDomain
from simulator.sut.binding import Bind, read_bind, repeats, unasked_public
from simulator.sut.capabilities import CAPABILITIES, with_implied
from simulator.sut.drivers import driver_names
from simulator.sut.settings import (
    DEFAULT_DOMAIN,
    ROLES,
    CommandSettings,
    HttpSettings,
    Network,
    SutSettings,
    SutUser,
)
from simulator.toml import values
from simulator.toml.tables import Mistake, Table, read

_NEEDS_NAMES = frozenset({"command", "manual", "wire-only"})
"Drivers that cannot ask the server for its domain, name and address."
_PLACEHOLDER = re.compile(r"{(\w*)}")


def load(path: Path) -> SutSettings:
    """Read the file; see `simulator.sut.settings.load`."""
    return read(path, _File, _together).settings(path.parent)


# Values.


def _near(word: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"write one of {', '.join(known)}."


def _driver(value: object) -> str:
    name = values.text(value)
    known = tuple(driver_names())
    if name not in known:
        raise ValueError(f"{values.shown(value)} is no driver; {_near(name, known)}")
    return name


def _capabilities(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        raise ValueError(f"{values.shown(value)} is no list; write the words in brackets.")
    for word in value:
        if values.text(word) not in CAPABILITIES:
            raise ValueError(f"{values.shown(word)} is no capability; {_near(word, tuple(CAPABILITIES))}")
    return frozenset(value)


def _listens_at(value: object) -> tuple[str, int]:
    address, port = values.address_and_port(value, 5061, "place to connect to")
    return str(address), port


def _ports(value: object) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,5})-([0-9]{1,5})", values.text(value))
    if match is None or not 1 <= int(match[1]) <= int(match[2]) <= 65535:
        raise ValueError(f"{values.shown(value)} is no range of ports; write first-last, such as 5100-5199.")
    return int(match[1]), int(match[2])


def _url(value: object) -> str:
    url = values.text(value)
    if not re.fullmatch(r"https?://[^\s/?#]+(/[^\s?#]*)?", url):
        raise ValueError(f"{values.shown(value)} is no base URL; write http://address:port, without ? and #.")
    return url.rstrip("/")


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 3600:
        raise ValueError(f"{values.shown(value)} is no time; write seconds, more than 0 and at most 3600.")
    return float(value)


def _path(value: object, info: ValidationInfo) -> Path:
    return cast("Path", info.context) / values.text(value)


def _command(value: object) -> tuple[str, ...]:
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words) or not words[0]:
        raise ValueError(f'{values.shown(value)} is no command; write ["program", "argument", "{{placeholder}}"].')
    return tuple(words)


_Seconds = Annotated[float, PlainValidator(_seconds)]
_Path = Annotated[Path, PlainValidator(_path)]
_Capabilities = Annotated[frozenset[str], PlainValidator(_capabilities)]


# Tables.


class _User(Table):
    name: values.Text | None = None
    federation: values.Flag = True


class _Sut(Table):
    driver: Annotated[str, PlainValidator(_driver)]
    name: values.Text = ""
    domain: values.Domain | None = None
    fqdn: values.HostName | None = None
    address: Annotated[tuple[str, int], PlainValidator(_listens_at)] | None = None
    open_federation: values.Flag = False
    capabilities: _Capabilities = frozenset()
    without: _Capabilities = frozenset()
    trusted_roots: values.ExistingFile | None = None
    profile: _Path | None = None
    preflight: values.Flag = True
    slow: values.Flag = False
    users: dict[str, _User] = Field(default_factory=dict)


class _Network(Table):
    bind: Annotated[Bind, PlainValidator(read_bind)] | None = None
    public: values.Text = ""
    ports: Annotated[tuple[int, int], PlainValidator(_ports)] = (5100, 5199)
    dns_port: values.Port | None = None
    ca: _Path | None = None


class _Http(Table):
    url: Annotated[str, PlainValidator(_url)]
    token: values.Text = ""
    token_file: values.ExistingFile | None = None
    timeout: _Seconds = 60.0


class _Command(Table):
    actions: dict[str, Annotated[tuple[str, ...], PlainValidator(_command)]]
    shell: values.Flag = False
    timeout: _Seconds = 60.0


class _File(Table):
    sut: _Sut
    network: _Network = Field(default_factory=_Network)
    http: _Http | None = None
    command: _Command | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    def settings(self, folder: Path) -> SutSettings:
        sut, network = self.sut, self.network
        users = {role: SutUser(role) for role in ROLES}
        users |= {role: SutUser(user.name or role, user.federation) for role, user in sut.users.items()}
        declared = {"open-federation"} if sut.open_federation else set()
        if sum(not user.federation for user in users.values()) >= 2:
            declared.add("licences")
        return SutSettings(
            driver=sut.driver,
            name=sut.name,
            fqdn=sut.fqdn,
            address=sut.address,
            capabilities=with_implied(sut.capabilities | declared),
            without=sut.without,
            users=users,
            trusted_roots=sut.trusted_roots,
            profile=sut.profile,
            preflight=sut.preflight,
            slow=sut.slow,
            network=Network(network.bind, network.ports, network.dns_port, network.ca),
            http=self._http(),
            command=self._command(folder),
            options=self.options,
            domain=sut.domain or SipDomain.parse(DEFAULT_DOMAIN),
        )

    def _http(self) -> HttpSettings | None:
        if self.http is None:
            return None
        token = read_token(self.http.token_file) if self.http.token_file is not None else self.http.token
        return HttpSettings(self.http.url, token, self.http.timeout)

    def _command(self, folder: Path) -> CommandSettings | None:
        if self.command is None:
            return None
        return CommandSettings(self.command.actions, self.command.shell, self.command.timeout, folder)


# What no single value shows. The document may have any shape here.


def _together(document: dict[str, Any]) -> Iterator[Mistake]:
    sut = document.get("sut")
    if not isinstance(sut, dict):
        return
    driver = sut.get("driver")
    for name in ("domain", "fqdn", "address"):
        if driver in _NEEDS_NAMES and name not in sut:
            yield ("sut", name), f"It is missing; the driver {driver} cannot ask the server for it."
    yield from _of_the_driver(document, driver)
    yield from _of_the_network(document.get("network"))
    declared, denied = sut.get("capabilities"), sut.get("without")
    if isinstance(declared, list) and isinstance(denied, list):
        for word in denied:
            if word in declared:
                yield (
                    ("sut", "without"),
                    f"{values.shown(word)} stands in capabilities, too; write it in one of the two.",
                )


def _of_the_driver(document: dict[str, Any], driver: object) -> Iterator[Mistake]:
    for table in ("http", "command"):
        if driver == table and not isinstance(document.get(table), dict):
            yield (table,), f"It is missing; the driver {driver} needs a table [{table}]."
        if driver != table and table in document:
            yield (table,), f"The driver is {values.shown(driver)}, which reads no table [{table}]; take it out."
    http = document.get("http")
    if isinstance(http, dict) and ("token" in http) is ("token_file" in http):
        yield ("http",), "Write either token or token_file: the control API takes nothing without a token."
    command = document.get("command")
    if isinstance(command, dict):
        yield from _of_the_actions(command.get("actions"), shell=command.get("shell") is True)


def _of_the_actions(actions: object, *, shell: bool) -> Iterator[Mistake]:
    if not isinstance(actions, dict):
        return
    for action, command in actions.items():
        where = ("command", "actions", action)
        operation = BY_ACTION.get(action)
        if operation is None:
            yield where, f"There is no such action; {_near(action, tuple(BY_ACTION))}"
            continue
        if isinstance(command, str) is not shell:
            form = "one line of text for the shell" if shell else 'a list: ["program", "argument"]'
            yield where, f"With shell = {str(shell).lower()} a command is {form}."
        for word in [command] if isinstance(command, str) else command if isinstance(command, list) else []:
            for name in _PLACEHOLDER.findall(word) if isinstance(word, str) else ():
                if name not in operation.arguments:
                    known = ", ".join(f"{{{each}}}" for each in operation.arguments) or "none"
                    yield where, f"{{{name}}} is no placeholder of it; there is {known}."


def _of_the_network(network: object) -> Iterator[Mistake]:
    if not isinstance(network, dict):
        return
    if "bind" not in network:
        if "public" in network:
            yield ("network", "public"), "It repeats what bind names, and there is no bind; write that, too."
        return
    try:
        bound = read_bind(network["bind"])
    except ValueError:
        return  # the mistake itself is reported where the value is checked
    public = unasked_public(bound, network.get("public"))
    if public is not None:
        yield (
            ("network", "bind"),
            f"{public} is a public address, and everybody could reach the partners; if you mean it, write "
            f'public = "{bound}" beside it.',
        )
    elif "public" in network and not repeats(bound, network["public"]):
        yield ("network", "public"), f"It repeats what bind names, which is {bound}; take it out."
