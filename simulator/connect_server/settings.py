"""What an administrator sets on the Connect Server: one frozen tree, from Python or from TOML (R4, R5, R27-R58)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from simulator.errors import Problem
from simulator.names import Fqdn, Host, SipDomain, name_rule

SIPS_PORT = 5061
"Where federation servers listen (R16, R35, R46)."


@dataclass(frozen=True, slots=True)
class Listen:
    """The interface for inbound federation (R43); its protocol is always MTLS (R44)."""

    address: IPv4Address | IPv6Address
    "The address to listen on."
    port: int = SIPS_PORT
    "0 takes any free port; partners on the Internet expect 5061 (R46)."


@dataclass(frozen=True, slots=True)
class DnsServer:
    """The only name server that is asked."""

    address: IPv4Address | IPv6Address
    "Where it listens."
    port: int = 53
    "For UDP and TCP."


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """The certificate that partners see, in PEM files."""

    chain: Path
    "The server's certificate first, then the intermediate ones."
    key: Path
    "Its private key, without password (R59)."


@dataclass(frozen=True, slots=True)
class User:
    """A user of the server, known to partners as `name@domain` (R50)."""

    name: str
    "The part before the @."
    display_name: str = ""
    "The name for people."
    federation: bool = True
    "Whether federation is switched on for the user's location and configuration group (R5, R6)."
    office_plus: bool = True
    "Whether the user has the Office Plus licence (R4)."

    @property
    def reachable(self) -> bool:
        """Whether partners reach this user and this user reaches them: licensed and switched on (R3-R6)."""
        return self.federation and self.office_plus


@dataclass(frozen=True, slots=True)
class Route:
    """A static route: the server to go to for one domain (R27, R32-R37); its protocol is always MTLS (R36)."""

    domain: SipDomain
    "The partner's domain."
    host: Host
    "The partner's server; an IP address is allowed, but then its certificate may not fit (R34)."
    port: int = SIPS_PORT
    "The port that the partner's server listens on (C11)."
    enabled: bool = True
    "False keeps the configuration and takes the route out of use (R37)."


@dataclass(frozen=True, slots=True)
class StaticRoutes:
    """The connection type `static routes`, also called direct federation."""

    enabled: bool = False
    "No route works while this is off (R31)."
    routes: tuple[Route, ...] = ()
    "At most one enabled route per domain."

    def route_to(self, domain: SipDomain) -> Route | None:
        """The route in use for that very domain; None where there is none or it is switched off (R31, R37, R38)."""
        if not self.enabled:
            return None
        return next((route for route in self.routes if route.enabled and route.domain == domain), None)


@dataclass(frozen=True, slots=True)
class OpenFederation:
    """The connection type `open federation`: partners are found by DNS."""

    enabled: bool = False
    "Whether domains without a static route are looked up by SRV (R39-R42)."


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """All that the embedded Connect Server is told; `dataclasses.replace` makes the variants that a test needs."""

    domain: SipDomain
    "The public federation domain (R50)."
    fqdn: Fqdn
    "The server's public name, which its certificate and its SRV record hold (R15, R51, R56)."
    listen: Listen
    "The interface for inbound federation (R43)."
    certificate: CertificateFiles
    "The certificate chosen for federation (R65)."
    trusted_roots: Path
    "PEM file of the authorities whose certificates are trusted on partners (R60)."
    dns: DnsServer | None = None
    "None: the resolver of the operating system."
    users: tuple[User, ...] = ()
    "Names differ in more than upper and lower case."
    static_routes: StaticRoutes = StaticRoutes()
    "Direct federation."
    open_federation: OpenFederation = OpenFederation()
    "Federation with whoever can be found."

    def user(self, name: str) -> User | None:
        """The user of that name, upper and lower case being the same, or None."""
        wanted = name.lower()
        return next((user for user in self.users if user.name.lower() == wanted), None)


def load(path: Path) -> ServerSettings:
    """Read a settings file like EXAMPLE; file names in it are relative to its own folder.

    Raises ConfigurationError with every mistake and its place, such as
    `connect.toml, line 12, static_routes.routes[1].port: 70000 is no port; write a number from 1 to 65535.`
    What is allowed but will probably not work is for `warnings` to say.
    """
    from simulator.connect_server import settings_file

    return settings_file.load(path)


def warnings(settings: ServerSettings) -> list[Problem]:
    """What is allowed but makes federation fail with some partners; the places are those of the settings file."""
    found = []
    verdict = name_rule(settings.domain, settings.fqdn)
    if not verdict.allowed:
        found.append(
            Problem(
                "fqdn",
                f"{verdict.sentence} Skype for Business servers that use open federation will not connect (R9); "
                "partners with a static route to this server do not mind (R52).",
            )
        )
    for index, route in enumerate(settings.static_routes.routes):
        if not isinstance(route.host, Fqdn):
            found.append(
                Problem(
                    f"static_routes.routes[{index}].host",
                    f"{route.host} is an IP address, but certificates name hosts, so checking the certificate of the "
                    f"server of {route.domain} can fail (R34). Write the host's name.",
                )
            )
    return found


EXAMPLE = """\
# Settings of the Connect Server. File names are relative to the folder of this file.

domain = "acme.test"                # users appear to partners as user@acme.test
fqdn = "connect.acme.test"          # the server's public name: the domain itself or one label below it
trusted_roots = "roots.pem"         # authorities whose certificates are trusted on partners

[listen]                            # where partners connect to; the protocol is always MTLS
address = "127.0.0.1"
port = 5061                         # 5061 when left out; 0 takes any free port

[dns]                               # leave out the table to use the system's resolver
server = "127.0.0.1:5353"           # address, or address:port

[certificate]                       # issued to the fqdn above, for server and client authentication, no wildcard
chain = "connect.chain.pem"         # the certificate, then the intermediate ones
key = "connect.key.pem"

[open_federation]
enabled = true                      # find partners by SRV _sipfederationtls._tcp.<domain>; false when left out

[static_routes]
enabled = true                      # no route below works while this is false

[[static_routes.routes]]
domain = "fabrikam.test"            # chats with users of this domain ...
host = "sip.fabrikam.test"          # ... go to this server: its name, or an IP address
port = 5061                         # 5061 when left out
enabled = true                      # false keeps the route, but out of use; true when left out

[[users]]                           # alice@acme.test
name = "alice"
display_name = "Alice Example"      # the name when left out
federation = true                   # false: partners do not reach alice; true when left out
office_plus = true                  # the licence that federation needs; true when left out

[[users]]
name = "carol"
office_plus = false
"""
"A settings file with every setting in it and what it does."
