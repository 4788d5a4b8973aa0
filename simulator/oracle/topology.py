"""A federation as data: one partner, one server and all that lies between them (requirements R4–R81, facts §1–§4)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Literal

Address = Literal["a", "none", "wildcard", "alias", "flattened"]
"""How the name of the edge gets its address: an A record; none; an A record of `*`; a CNAME, which RFC 2782 forbids; an
A record that the provider makes of an alias (R8)."""
Port = Literal["edge", "dead"]
"""The port that the edge listens on, or one of its address that refuses connections."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that a topology's templates stand for; everything in lower case and without a dot at the end."""

    base: str = "fabrikam.test"
    "Fresh for each federation: the partner's domain, or what it lies below."
    other: str = "hoster.test"
    "A name that has nothing to do with it."
    server: str = "acme.test"
    "The domain of the standing server under test."
    server_fqdn: str = "connect.acme.test"
    "The name of that server."
    own: str = "acme2.test"
    "A fresh domain for a server of the topology's own."


NAMES: Final = Names()
"Names for reading."


@dataclass(frozen=True, slots=True)
class Srv:
    """One SRV record of the partner."""

    target: str = "{edge}"
    """`{edge}`; `spare.{domain}`, a second name of the edge's address that no certificate holds; `gone.{domain}`, which
    has no address; or something that is no host name."""
    priority: int = 0
    "The lowest is tried first (RFC 2782)."
    weight: int = 0
    "How often it is chosen among those of the same priority."
    port: Port = "edge"
    "Where it leads."

    def __str__(self) -> str:
        return f"{self.priority} {self.weight} {self.port} {self.target}"


@dataclass(frozen=True, slots=True)
class Route:
    """A static route of the server (R32–R37)."""

    domain: str = "{domain}"
    "Whom it is for: the partner, or a domain of a similar name; `{tail}` is the partner's without its first letter."
    host: str = "{edge}"
    "`{edge}`, `other.{domain}` without an address, or `address` for the IP address of the edge (R33)."
    port: Port = "edge"
    "Where it leads."
    enabled: bool = True
    "Its own switch (R37)."

    def __str__(self) -> str:
        return f"{self.domain} -> {self.host}:{self.port}, {'on' if self.enabled else 'off'}"


@dataclass(frozen=True, slots=True)
class PartnerPolicy:
    """What the partner's administrator has set: lists of an S4B edge, or of a Teams tenant (F3.6, F4.1, F4.2)."""

    federation: bool = True
    "`AllowFederatedUsers`."
    discovery: bool = True
    "`EnablePartnerDiscovery`; an S4B edge only."
    allowed: tuple[str, ...] | None = None
    "Allowed domains; None is no list. `{server}` is the server's domain, `{rest}` that without its first letter."
    proxy: bool = False
    "Whether the server's own entry among the allowed domains names it as proxy (direct federation); S4B only."
    blocked: tuple[str, ...] = ()
    "Blocked domains."
    subdomains: bool = False
    "`BlockAllSubdomains`; a tenant only."
    trial: bool = False
    "A tenant with trial licences only."
    user: bool = True
    "`EnableFederationAccess` of the users."

    def __str__(self) -> str:
        return _differences(self, PartnerPolicy()) or "as delivered"


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A server of the topology's own in place of the standing one (capability `identity`)."""

    domain: str = "{own}"
    "The domain of its users; `{own}` is a fresh one."
    fqdn: str = "connect.{server}"
    "Its name; `{server}` is its domain."
    certificate: str = "dual"
    "The shape of its certificate."
    srv: bool = True
    "Whether its domain has the SRV record (R15)."

    def __str__(self) -> str:
        return _differences(self, OwnServer()) or "fresh names"


@dataclass(frozen=True, slots=True)
class Topology:
    """One federation. With every value as it is by default, everything works in both directions."""

    persona: str = "sfb-2019"
    "What the partner is."
    domain: str = "{base}"
    "The partner's SIP domain."
    edge: str = "sip.{domain}"
    "The name of the partner's edge."
    srv: tuple[Srv, ...] = (Srv(),)
    "Its federation records."
    owner: str = "_sipfederationtls._tcp"
    "Below which name of the domain they stand."
    address: Address = "a"
    "How the edge's name gets its address."
    own_port: bool = False
    "Whether the edge listens on another port than 5061, which the SRV records then name."
    certificate: str = "dual"
    "The shape of the edge's certificate: a profile of `fakes.ca`, or one of `SHAPES`."
    policy: PartnerPolicy = PartnerPolicy()
    "Whom the partner federates with."
    user: str = "alice"
    "Who of the server's users it is about: `carol` has no licence (R4), `dave`'s location is switched off (R5)."
    open_federation: bool = True
    "The server's switch (R39)."
    static_routes: bool = True
    "The server's switch (R31)."
    route: Route | None = None
    "The server's route to the partner."
    stray: Route | None = None
    "A route to a domain that is not the partner's."
    server: OwnServer | None = None
    "The server itself, if it is not the standing one."

    def __str__(self) -> str:
        return f"a plain federation{_but(_differences(self, Topology()))}"

    @property
    def tenant(self) -> bool:
        """Whether the partner is a tenant of Teams."""
        return self.persona == "teams"


def _differences(value: Any, plain: Any) -> str:
    """The fields in which the two differ, for people."""
    found = []
    for field in fields(value):
        mine = getattr(value, field.name)
        if mine != getattr(plain, field.name):
            shown = "; ".join(map(str, mine)) or "none" if isinstance(mine, tuple) else str(mine)
            found.append(f"{field.name.replace('_', ' ')}: {shown}")
    return "\n  ".join(found) if isinstance(value, Topology) else ", ".join(found)


def _but(differences: str) -> str:
    return f", but\n  {differences}" if differences else ""


class Named:
    """A topology with its names filled in."""

    def __init__(self, topology: Topology, names: Names) -> None:
        self.domain = topology.domain.format(base=names.base)
        self._values = {"domain": self.domain, "other": names.other, "parent": parent(self.domain)}
        self.edge = topology.edge.format(**self._values)
        own = topology.server
        self.server = own.domain.format(own=names.own) if own else names.server
        self.server_fqdn = (
            own.fqdn.format(server=self.server, above=parent(self.server), other=f"own-{names.other}")
            if own
            else names.server_fqdn
        )
        self._values |= {"edge": self.edge, "server": self.server, "tail": self.domain[1:], "rest": self.server[1:]}
        inside = self.edge == self.domain or below(self.domain, self.edge)
        self.zone = self.domain if inside else parent(self.edge)
        "The zone that holds the edge's name."
        bare = self.edge == self.zone or len(labels(self.edge)) < 3
        self.address: Address = "a" if bare and topology.address in ("wildcard", "alias") else topology.address
        "How the edge's name gets its address: the name of a zone itself is no alias, and no wildcard stands for it."

    def fill(self, template: str) -> str:
        """The template with its names."""
        return template.format(**self._values)

    def resolves(self, host: str) -> bool:
        """Whether the DNS has an address for a host of the topology."""
        if host == self.edge:
            return self.address != "none"
        if host == f"spare.{self.domain}":
            return True
        # A wildcard answers for all other names beside the edge's.
        return self.address == "wildcard" and self.zone == self.domain and below(parent(self.edge), host)


def labels(name: str) -> tuple[str, ...]:
    """The labels of a name, leftmost first."""
    return tuple(name.lower().rstrip(".").split("."))


def parent(name: str) -> str:
    """The name without its first label."""
    return ".".join(labels(name)[1:])


def below(above: str, name: str) -> bool:
    """Whether `name` lies below `above`, at any depth; whole labels count (F3.6: not subcontoso.com)."""
    wanted, given = labels(above), labels(name)
    return len(given) > len(wanted) and given[-len(wanted) :] == wanted
