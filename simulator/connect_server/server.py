"""The embedded Connect Server: the default server under test and the model of correct behaviour (R1–R58)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from cryptography import x509

from simulator import tls, trust
from simulator.connect_server.settings import ServerSettings, User
from simulator.errors import ConfigurationError, Problem
from simulator.io.account import Account, Refusal
from simulator.io.dialect import Dialect
from simulator.io.link import Tap
from simulator.io.mailbox import Mailbox
from simulator.io.peering import NotFederated, OpenWay, Peering, StaticWay, Way
from simulator.io.resolver import Resolver
from simulator.io.timers import Timers
from simulator.io.transport import TrustPolicy
from simulator.io.user_agent import UserAgent
from simulator.names import SipDomain
from simulator.presence.state import Availability, PresenceState

DIALECT: Final = Dialect(user_agent="Connect-Server/9", server="Connect-Server/9", pidf_layout="rfc4480")
PEER_RULES: Final = replace(trust.CONNECT_SERVER, require_eku="server")
"""Partners may show a certificate for server authentication only in both TLS roles: since 2026 public authorities issue
no other (F2.13–F2.15). That our own certificate is to serve both (R58, C4) is another matter."""


class ConnectServer(Peering):
    """Serves one domain by static routes and open federation. All methods are to be called on the loop's thread."""

    def __init__(
        self,
        settings: ServerSettings,
        *,
        timers: Timers,
        tap: Tap | None = None,
        log: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        """Read certificate, key and roots; ConfigurationError names each file that cannot be used."""
        self._settings = settings
        self.agent = UserAgent(
            fqdn=settings.fqdn,
            dialect=DIALECT,
            peering=self,
            resolver=Resolver((str(settings.dns.address), settings.dns.port) if settings.dns else None),
            timers=timers,
            identity=_identity(settings),
            trust_policy=TrustPolicy(_roots(settings.trusted_roots), PEER_RULES),
            tap=tap,
            log=log,
        )
        self._take_users()

    @property
    def settings(self) -> ServerSettings:
        """What is in force now."""
        return self._settings

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        return self.agent.transport.address, self.agent.transport.port

    async def start(self) -> None:
        """Listen; ConfigurationError when certificate or address cannot be used (R43, R59)."""
        self.agent.transport.check_identity()
        await self.agent.listen(str(self._settings.listen.address), self._settings.listen.port)

    async def close(self) -> None:
        """End all connections and stop listening."""
        await self.agent.close()

    def apply(self, settings: ServerSettings) -> None:
        """Put users, routes and switches into force without dropping a connection (R37, R38).

        ConfigurationError for a change that needs a restart: domain, FQDN, interface, DNS, certificate or roots.
        """
        fixed = ("domain", "fqdn", "listen", "dns", "certificate", "trusted_roots")
        changed = [name for name in fixed if getattr(settings, name) != getattr(self._settings, name)]
        if changed:
            raise ConfigurationError(
                [Problem(name, "a change of it takes effect at a restart only") for name in changed]
            )
        self._settings = settings
        self._take_users()

    def account(self, name: str) -> Account:
        """The account of a user of the settings; ConfigurationError when there is none of that name."""
        user = self._settings.user(name)
        if user is None:
            known = ", ".join(user.name for user in self._settings.users) or "no user at all"
            raise ConfigurationError([Problem("users", f"there is no user {name!r}; there is {known}")])
        return self.agent.accounts[self._uri(user)]

    def empty_mailboxes(self) -> None:
        """Forget what reached the users, and show them as available again."""
        for account in self.agent.accounts.values():
            account.inbox, account.seen = Mailbox(), Mailbox()
            account.state = PresenceState(Availability.AVAILABLE)

    # -- Peering ------------------------------------------------------------------------------------------------

    def way_to(self, domain: SipDomain, user: str = "") -> Way:
        """A static route for the domain comes first; a switched-off one keeps the domain off, for the route *is* the
        connection to that system (R37); every other domain is found by DNS when open federation is on (R39)."""
        del user
        static, open_federation = self._settings.static_routes, self._settings.open_federation
        route = static.route_to(domain)
        if route is not None:
            return StaticWay(domain, route.host, route.port)
        if static.enabled and any(route.domain == domain for route in static.routes):
            raise NotFederated(f"The static route to {domain} is switched off.")
        if not open_federation.enabled:
            why = "open federation is switched off"
            if not static.enabled and any(route.domain == domain for route in static.routes):
                why = "static routes are switched off, and so is open federation"
            raise NotFederated(f"There is no way to {domain}: {why}.")
        return OpenWay(domain)

    # -- inside -------------------------------------------------------------------------------------------------

    def _take_users(self) -> None:
        accounts = self.agent.accounts
        for user in self._settings.users:
            uri = self._uri(user)
            if uri not in accounts:
                accounts[uri] = Account(uri, refusal=lambda name=user.name: self._why_not(name))  # type: ignore[misc]
            accounts[uri].display_name = user.display_name
        wanted = {self._uri(user) for user in self._settings.users}
        for uri in [uri for uri in accounts if uri not in wanted]:
            del accounts[uri]

    def _why_not(self, name: str) -> Refusal | None:
        user = self._settings.user(name)
        if user is None or user.reachable:
            return None
        missing = "has no Office Plus licence (R4)" if not user.office_plus else "has federation switched off (R5, R6)"
        return Refusal(403, "Forbidden", f"{name} {missing}")

    def _uri(self, user: User) -> str:
        return f"sip:{user.name.lower()}@{self._settings.domain}"


def _identity(settings: ServerSettings) -> tls.Identity:
    chain = _read(settings.certificate.chain, "certificate.chain")
    key = _read(settings.certificate.key, "certificate.key")
    return tls.Identity(chain, key)


def _roots(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(_read(path, "trusted_roots"))
    except ValueError as error:
        raise ConfigurationError([Problem("trusted_roots", f"{path} holds no PEM certificates: {error}")]) from error


def _read(path: Path, place: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError([Problem(place, f"{path} cannot be read: {error.strerror}")]) from error
