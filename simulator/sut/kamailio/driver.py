"""Kamailio as the server under test: its process, its tables of routes and switches, and the users behind it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Final

from simulator import tls, trust
from simulator.errors import ConfigurationError, Problem
from simulator.io.account import Account
from simulator.io.mailbox import Mailbox
from simulator.io.surprises import take_surprises
from simulator.io.transport import TrustPolicy
from simulator.io.user import User
from simulator.names import Fqdn, Host, SipDomain
from simulator.presence.state import Availability, PresenceState
from simulator.sut.base import Limited, Surroundings
from simulator.sut.capabilities import with_implied
from simulator.sut.kamailio.configuration import Certificate, KamailioSettings
from simulator.sut.kamailio.process import KamailioProcess, Rpc, resolver_at
from simulator.sut.kamailio.users import DIALECT, BesideKamailio, KamailioUsers, ThroughKamailio

CAPABILITIES = with_implied(("chat", "presence", "observe-inbox", "switch-open-federation", "static-routes"))
"It has no licences, and there is one of it."
HINTS: Final = MappingProxyType(
    {
        "typing": "the users behind this Kamailio show no typing; nothing can be set for that",
        "consent": "this Kamailio shows everybody's presence to all who ask; its lists of watchers are not used",
        "licences": "a Kamailio has no licences; nothing can be set for that",
        "groups": "a Kamailio has neither licences nor locations nor groups; nothing can be set for that",
        "certificates": "a Kamailio has no store: its one certificate is a file that it reads when it starts",
        "observe-connections": "what Kamailio lists of its connections is not read by this driver",
        "observe-log": "Kamailio logs lines of its modules and no decisions; they are in its own log",
        "identity": "one Kamailio is started for the run, with one name and one certificate",
        "time": "its clock is that of this machine; run these scenarios in real time with --slow",
    }
)
"What is to say of each capability that it lacks."


class KamailioServer(Limited):
    """A Kamailio with its own users, started and ended with the run."""

    def __init__(
        self,
        around: Surroundings,
        domain: SipDomain,
        fqdn: Fqdn,
        users: Sequence[str],
        log: Callable[[str], object] = lambda _sentence: None,
    ) -> None:
        """Start it; ConfigurationError says what is not installed, SipfedError why it does not start."""
        self.domain = domain
        self.fqdn = fqdn
        self.address, self.port = around.addresses()
        self._loop = around.loop
        self._log = log
        self._routes: dict[str, str] = {}
        self._switches = {"static": True, "open": True}
        self._before: tuple[dict[str, str], dict[str, bool]] = ({}, {})
        inner_fqdn, inner_address = domain.child("users"), around.addresses()
        settings = self._settings(around, inner_fqdn, inner_address)
        self.phones = self.address, settings.phone_port
        "Where a real telephone registers for one of its users, over plain TCP."
        around.publish(domain, fqdn, self.address, self.port, False)
        around.publish(domain, inner_fqdn, *inner_address, False)
        # Beside its key: the CA removes the folder at the end, and the next run does if this one is killed.
        folder = settings.roots.parent
        script = settings.write(folder)
        self._process = KamailioProcess(script, folder, resolver=resolver_at(*around.dns, folder), log=log)
        self._rpc = Rpc(self.address, settings.control_port, settings.token)
        self.name = str(self._rpc.call("core.version"))
        self._agent = self._start_users(around, settings, inner_fqdn)
        for user in users:
            account = Account(f"sip:{user}@{domain}", display_name=f"{user.title()} Example")
            self._agent.accounts[account.uri] = account
            self.admit(user)
            around.loop.run(self._agent.send_state(account))
        for switch in self._switches:
            self._set_switch(switch, enabled=True)

    def _settings(self, around: Surroundings, inner_fqdn: Fqdn, inner_address: tuple[str, int]) -> KamailioSettings:
        chain, key = around.authority.write(around.authority.issue(str(self.fqdn)))
        return KamailioSettings(
            domain=str(self.domain),
            fqdn=str(self.fqdn),
            address=self.address,
            port=self.port,
            inner_port=self.port + 1,
            phone_port=self.port + 2,
            control_port=self.port + 3,
            inner_fqdn=str(inner_fqdn),
            inner_address=inner_address,
            certificate=Certificate(chain, key),
            roots=around.authority.write_root(),
            token=secrets.token_hex(16),
        )

    def _start_users(self, around: Surroundings, settings: KamailioSettings, fqdn: Fqdn) -> KamailioUsers:
        issued = around.authority.issue(str(fqdn))
        agent = around.loop.call(
            lambda: KamailioUsers(
                fqdn=fqdn,
                dialect=DIALECT,
                peering=ThroughKamailio(self.fqdn, settings.inner_port),
                resolver=BesideKamailio(around.dns, self.fqdn, self.address),
                timers=around.timers,
                identity=tls.Identity(issued.chain_pem, issued.key_pem),
                trust_policy=TrustPolicy([around.authority.root], trust.CONNECT_SERVER),
                log=self._log,
            )
        )
        around.loop.run(agent.listen(*settings.inner_address))
        return agent

    capabilities = CAPABILITIES
    hints = HINTS

    def user(self, name: str = "alice") -> User:
        account = self._agent.accounts.get(f"sip:{name}@{self.domain}")
        if account is None:
            raise ConfigurationError([Problem(f"user {name}", f"{self.name} has no such user")])
        return User(self._loop, self._agent, account)

    @property
    def pid(self) -> int:
        """Kamailio's main process."""
        return self._process.pid

    def admit(self, name: str) -> None:
        """Let there be a user called `name`, for whom a real telephone will register."""
        self._rpc.call("htable.sets", "users", name, 1)

    def add_route(self, domain: SipDomain, host: Host, port: int, *, enabled: bool = True) -> None:
        self._log(f"The test adds a static route: {domain} is at {host}:{port}, {_on(enabled)}.")
        self._set_route(str(domain), f"{host}|{port}|{_on(enabled)}")

    def switch_route(self, domain: SipDomain, *, enabled: bool) -> None:
        route = self._routes.get(str(domain))
        if route is None:
            raise ConfigurationError([Problem(f"route {domain}", "there is no such static route; add it first")])
        self._log(f"The test switches the static route to {domain} {_on(enabled)}.")
        self._set_route(str(domain), route.rpartition("|")[0] + "|" + _on(enabled))

    def switch_static_routes(self, *, enabled: bool) -> None:
        self._log(f"The test switches static routes {_on(enabled)}.")
        self._set_switch("static", enabled=enabled)

    def switch_open_federation(self, *, enabled: bool) -> None:
        self._log(f"The test switches open federation {_on(enabled)}.")
        self._set_switch("open", enabled=enabled)

    def begin_test(self) -> None:
        self._before = dict(self._routes), dict(self._switches)
        self._loop.call(self._empty_mailboxes)

    def end_test(self) -> list[str]:
        routes, switches = self._before
        for domain in [domain for domain in self._routes if domain not in routes]:
            self._rpc.call("htable.delete", "route", domain)
            del self._routes[domain]
        for domain, route in routes.items():
            if self._routes[domain] != route:
                self._set_route(domain, route)
        for switch, enabled in switches.items():
            if self._switches[switch] != enabled:
                self._set_switch(switch, enabled=enabled)
        for account in self._agent.accounts.values():
            if account.state != PresenceState(Availability.AVAILABLE):
                account.state = PresenceState(Availability.AVAILABLE)
                self._loop.run(self._agent.send_state(account))
        return []

    def take_surprises(self) -> list[str]:
        """What reached the users behind Kamailio and no expectation took, a sentence each; all of it is taken then."""
        return self._loop.call(lambda: take_surprises(self._agent.accounts.values()))

    def close(self) -> None:
        """End Kamailio and its users; its files go with those of the CA."""
        self._loop.run(self._agent.close())
        self._process.close()

    # -- inside -------------------------------------------------------------------------------------------------

    def _set_route(self, domain: str, route: str) -> None:
        self._rpc.call("htable.sets", "route", domain, route)
        self._routes[domain] = route

    def _set_switch(self, switch: str, *, enabled: bool) -> None:
        self._rpc.call("htable.seti", "switch", switch, int(enabled))
        self._switches[switch] = enabled

    def _empty_mailboxes(self) -> None:
        for account in self._agent.accounts.values():
            account.inbox = Mailbox()
            account.seen = Mailbox()
            account.offers = Mailbox()
            account.typing = Mailbox()
            account.ignored.clear()


def _on(enabled: bool) -> str:
    return "on" if enabled else "off"
