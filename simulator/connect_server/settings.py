"""What an administrator sets on the Connect Server: one frozen tree, from Python or from TOML (R3-R6, R27-R58)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Literal

from simulator.names import Fqdn, Host, SipDomain

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
class CertificateFolder:
    """The certificate that partners see is the active one of a store (R54, R63-R65)."""

    folder: Path
    "A `CertificateStore`: its folders `machine` and `user`, and which certificate is active."


@dataclass(frozen=True, slots=True)
class CertificateRules:
    """What is demanded of the server's own certificate where the requirements can be read in two ways."""

    usage: Literal["server", "both"] = "server"
    "`both` refuses a certificate that is not made for client authentication too (R58 against R25: C4, C7)."
    authority: Literal["any", "recognised"] = "any"
    "`recognised` refuses one that does not lead to `trusted_roots` (R66 against R60: C6); self-signed is never enough."
    scopes: Literal["both", "machine"] = "both"
    "`machine` takes none of the user's scope (R26 and R53 against R54: C5)."
    unsuitable: Literal["refuse", "warn"] = "refuse"
    "`warn` presents a certificate whatever is wrong with it, as long as its key can be used: to see what partners do."


@dataclass(frozen=True, slots=True)
class PartnerCertificates:
    """What is demanded of the certificates of partners, beyond a chain to `trusted_roots`."""

    revocation: Literal["off", "soft", "hard"] = "off"
    "Whether CRLs and OCSP responders are asked; `soft` refuses what is revoked, `hard` also what is not known (C19)."
    usage: Literal["server", "role"] = "server"
    "`role` wants client authentication of the side that dialled, which Let's Encrypt certifies no more (F2.15, F2.17)."


@dataclass(frozen=True, slots=True)
class Licences:
    """What was bought; the Office Plus Pack is with each user."""

    server: bool = True
    "The Connect Server licence, without which nobody federates (R3)."


@dataclass(frozen=True, slots=True)
class FederationSwitch:
    """Federation as a whole, and how the switches below it are read."""

    enabled: bool = True
    "False stops federation of the whole server, whatever stands below."
    precedence: Literal["nearest", "every"] = "nearest"
    "How location, group and user count together; see `simulator.connect_server.entitlement`."


@dataclass(frozen=True, slots=True)
class Location:
    """A location, to which users belong (R5)."""

    name: str
    "Names differ in more than upper and lower case."
    federation: bool | None = None
    "Whether its users federate; None leaves it to the group or the user."


@dataclass(frozen=True, slots=True)
class Group:
    """A configuration group, to which users belong (R6)."""

    name: str
    "Names differ in more than upper and lower case."
    federation: bool | None = None
    "Whether its users federate; None leaves it to the location or the user."


@dataclass(frozen=True, slots=True)
class User:
    """A user of the server, known to partners as `name@domain` (R50)."""

    name: str
    "The part before the @."
    display_name: str = ""
    "The name for people."
    federation: bool | None = None
    "The user's own switch; None leaves it to group and location (R5, R6)."
    office_plus: bool = True
    "Whether the user has the Office Plus Pack (R4)."
    location: str | None = None
    "Name of a location."
    group: str | None = None
    "Name of a configuration group."


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
    name_rule: Literal["warn", "refuse"] = "warn"
    "What becomes of an `fqdn` that is neither the domain nor directly below it (R9 against R52: C1, C2)."
    aliases: bool = True
    "Whether an SRV target may be an alias (CNAME), as R8 can be read and RFC 2782 forbids (C13)."


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """All that the embedded Connect Server is told; `dataclasses.replace` makes the variants that a test needs."""

    domain: SipDomain
    "The public federation domain (R50)."
    fqdn: Fqdn
    "The server's public name, which its certificate and its SRV record hold (R15, R51, R56)."
    listen: Listen
    "The interface for inbound federation (R43)."
    certificate: CertificateFiles | CertificateFolder
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
    licences: Licences = Licences()
    "What was bought."
    federation: FederationSwitch = FederationSwitch()
    "The switch over everything."
    locations: tuple[Location, ...] = ()
    "What users can belong to (R5)."
    groups: tuple[Group, ...] = ()
    "What users can belong to (R6)."
    certificate_rules: CertificateRules = CertificateRules()
    "What is demanded of our own certificate."
    partner_certificates: PartnerCertificates = PartnerCertificates()
    "What is demanded of theirs."

    def user(self, name: str) -> User | None:
        """The user of that name, upper and lower case being the same, or None."""
        return next((user for user in self.users if same_name(user.name, name)), None)

    def location(self, name: str | None) -> Location | None:
        """The location of that name, or None."""
        return next((location for location in self.locations if same_name(location.name, name)), None)

    def group(self, name: str | None) -> Group | None:
        """The configuration group of that name, or None."""
        return next((group for group in self.groups if same_name(group.name, name)), None)


def same_name(name: str, other: str | None) -> bool:
    """Whether two names of users, locations or groups mean the same: upper and lower case do not count."""
    return other is not None and name.lower() == other.lower()


def load(path: Path) -> ServerSettings:
    """Read a settings file like EXAMPLE; file names in it are relative to its own folder.

    Raises ConfigurationError with every mistake and its place, such as
    `connect.toml, line 12, static_routes.routes[1].port: 70000 is no port; write a number from 1 to 65535.`
    Whether the certificate is fit for use is not looked at here; `ConnectServer` does. What is allowed but will
    probably not work is for `advice.warnings` to say.
    """
    from simulator.connect_server import settings_file

    return settings_file.load(path)


EXAMPLE = """\
# Settings of the Connect Server. File names are relative to the folder of this file.
# What can change while the server runs (SIGHUP reads this file again): all but domain, fqdn and [listen].

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
# store = "certificates"            # instead of the two: a store, for `sipfed certificates --config connect.toml`

[certificate_rules]                 # what is demanded of it where opinions differ; leave out the table for these values
usage = "server"                    # "both": also for client authentication, which Let's Encrypt certifies no more
authority = "any"                   # "recognised": its chain must lead to trusted_roots
scopes = "both"                     # "machine": none of the store's user scope
unsuitable = "refuse"               # "warn": present it all the same, to see what partners do

[partner_certificates]              # what is demanded of partners; leave out the table for these values
revocation = "off"                  # "soft": refuse what is revoked; "hard": also what nobody can tell
usage = "server"                    # "role": client authentication of those who dial us

[licences]
server = true                       # the server's licence; nobody federates without

[federation]
enabled = true                      # false stops federation of the whole server
precedence = "nearest"              # the first that is set of user, group and location; "every": none may be off

[open_federation]
enabled = true                      # find partners by SRV _sipfederationtls._tcp.<domain>; false when left out
name_rule = "warn"                  # "refuse": do not start with an fqdn that partners on open federation will not take
aliases = true                      # false: leave out SRV targets that are aliases (CNAME)

[static_routes]
enabled = true                      # no route below works while this is false

[[static_routes.routes]]
domain = "fabrikam.test"            # chats with users of this domain ...
host = "sip.fabrikam.test"          # ... go to this server: its name, or an IP address
port = 5061                         # 5061 when left out
enabled = true                      # false keeps the route, but out of use; true when left out

[[locations]]
name = "Munich"
federation = true                   # for its users; left out: the group or the user decides

[[groups]]                          # configuration groups
name = "Sales"
federation = true                   # for its users, whatever their location says

[[users]]                           # alice@acme.test
name = "alice"
display_name = "Alice Example"      # the name when left out
location = "Munich"
group = "Sales"
federation = true                   # whatever group and location say; left out: they decide
office_plus = true                  # the licence that federation needs; true when left out

[[users]]
name = "carol"
office_plus = false
"""
"A settings file with every setting in it and what it does."
