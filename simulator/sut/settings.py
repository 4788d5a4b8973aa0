"""What `sut.toml` says: which server is tested, how it is driven, and where the federation stands around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simulator.names import Fqdn, SipDomain

if TYPE_CHECKING:
    from simulator.sut.binding import Bind

ROLES: Final = ("alice", "anna", "carol", "dave")
"Whom scenarios ask for: alice and anna may federate, carol has no licence, dave's federation is switched off."
DEFAULT_DOMAIN: Final = "acme.test"


@dataclass(frozen=True, slots=True)
class SutUser:
    """One user of the server, in the role that scenarios know."""

    name: str
    "What stands before the @ on the server."
    federation: bool = True
    "Whether partners may reach the user."


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """The driver `http`: the control API of somebody's server."""

    url: str
    "Its base URL."
    token: str = field(repr=False)
    "The bearer token."
    timeout: float = 60.0
    "Seconds that an answer may take, beyond the time that a read is asked to wait."


@dataclass(frozen=True, slots=True)
class CommandSettings:
    """The driver `command`: a program for each action."""

    actions: Mapping[str, tuple[str, ...]]
    "By action (`send_message`) the program and its arguments, with {placeholders}; with `shell` one text."
    shell: bool = False
    "Whether each is one line for the shell, with every placeholder quoted for it."
    timeout: float = 60.0
    "Seconds that a program may take, beyond the time that a read is asked to wait."
    folder: Path = Path()
    "Where programs are started."


@dataclass(frozen=True, slots=True)
class Network:
    """Where DNS and partners stand."""

    bind: Bind | None = None
    "The address of this machine that the server reaches, or several, one for each partner; None is loopback."
    ports: tuple[int, int] = (5100, 5199)
    "First and last port for partners where `bind` is a single address; their SRV records carry them."
    dns_port: int | None = None
    "Where the fake DNS listens; None is 53 at the first address of `bind`, and any free port on loopback."
    ca: Path | None = None
    "A folder with the CA that the server trusts; None makes a new CA for every run."

    @property
    def dns(self) -> tuple[str, int]:
        """Address and port of the fake DNS; port 0 takes any free one."""
        if self.bind is None:
            return "127.0.0.1", self.dns_port or 0
        return str(self.bind.addresses[0]), 53 if self.dns_port is None else self.dns_port


@dataclass(frozen=True, slots=True)
class SutSettings:
    """All of `sut.toml`; the defaults are the embedded server in this process."""

    driver: str = "embedded"
    "Its name among the drivers."
    name: str = ""
    "For people: product and version; empty for what the driver says."
    domain: SipDomain = field(default_factory=lambda: SipDomain.parse(DEFAULT_DOMAIN))
    "Of its users (R50)."
    fqdn: Fqdn | None = None
    "Its public name; None is `connect.<domain>`."
    address: tuple[str, int] | None = None
    "Where partners reach it; None where the driver knows."
    capabilities: frozenset[str] = frozenset()
    "What its owner says it has, beside what the driver finds."
    without: frozenset[str] = frozenset()
    "What its owner says it has not."
    users: Mapping[str, SutUser] = field(default_factory=lambda: {role: SutUser(role) for role in ROLES})
    "By role."
    trusted_roots: Path | None = None
    "PEM file with authorities that partners trust beside the CA of the run."
    profile: Path | None = None
    "What `sipfed probe` found; a run that finds less fails."
    preflight: bool = True
    "Whether the way is checked before the first scenario."
    slow: bool = False
    "Whether scenarios that need `time` may wait in real time."
    network: Network = Network()
    "Where DNS and partners stand."
    http: HttpSettings | None = None
    "For the driver `http`."
    command: CommandSettings | None = None
    "For the driver `command`."
    options: Mapping[str, object] = field(default_factory=dict)
    "For a driver that somebody else made: the table [options] as it stands."

    @property
    def server_fqdn(self) -> Fqdn:
        """Its public name."""
        return self.fqdn or self.domain.child("connect")


def load(path: Path) -> SutSettings:
    """Read a file like those that `sipfed init` writes; file names in it are relative to its own folder.

    Raises ConfigurationError with every mistake and its line.
    """
    from simulator.sut import settings_file

    return settings_file.load(path)
