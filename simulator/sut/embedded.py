"""The embedded Connect Server as the server under test, in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulator.connect_server.server import ConnectServer
from simulator.connect_server.settings import OpenFederation, Route, ServerSettings, StaticRoutes
from simulator.errors import ConfigurationError, Problem
from simulator.io.loop import LoopThread
from simulator.io.timers import Timers
from simulator.io.user import User
from simulator.names import Fqdn, Host, SipDomain
from simulator.sut.capabilities import CAPABILITIES


class EmbeddedServer:
    """Drives a `ConnectServer` on the federation's loop."""

    def __init__(
        self, loop: LoopThread, settings: ServerSettings, timers: Timers, log: Callable[[str], None] | None = None
    ) -> None:
        self._loop = loop
        self.log: list[str] = []
        "What the server said it decided, a sentence each."

        def note(sentence: str) -> None:
            self.log.append(sentence)
            if log is not None:
                log(sentence)

        self._note = note
        self._server = ConnectServer(settings, timers=timers, log=note)
        self._before = settings

    @property
    def name(self) -> str:
        return "embedded Connect Server"

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset(CAPABILITIES)

    @property
    def domain(self) -> SipDomain:
        return self._server.settings.domain

    @property
    def fqdn(self) -> Fqdn:
        return self._server.settings.fqdn

    @property
    def address(self) -> str:
        return self._server.address[0]

    @property
    def port(self) -> int:
        return self._server.address[1]

    @property
    def server(self) -> ConnectServer:
        """The server itself; its methods belong on the loop's thread."""
        return self._server

    @property
    def settings(self) -> ServerSettings:
        """What is in force now."""
        return self._server.settings

    async def start(self) -> None:
        """Start the server; to be called on the loop."""
        await self._server.start()

    async def close(self) -> None:
        """Stop the server; to be called on the loop."""
        await self._server.close()

    def apply(self, settings: ServerSettings) -> None:
        """Put other settings into force; see `ConnectServer.apply`."""
        self._loop.call(self._server.apply, settings)

    def user(self, name: str = "alice") -> User:
        return User(self._loop, self._server.agent, self._server.account(name))

    def add_route(self, domain: SipDomain, host: Host, port: int, *, enabled: bool = True) -> None:
        self._note(f"The test adds a static route: {domain} is at {host}:{port}, {_on(enabled)}.")
        routes = (*self._static.routes, Route(domain, host, port, enabled))
        self._change_static(replace(self._static, routes=routes))

    def switch_route(self, domain: SipDomain, *, enabled: bool) -> None:
        if all(route.domain != domain for route in self._static.routes):
            raise ConfigurationError([Problem(f"route {domain}", "there is no such static route; add it first")])
        self._note(f"The test switches the static route to {domain} {_on(enabled)}.")
        routes = tuple(
            replace(route, enabled=enabled) if route.domain == domain else route for route in self._static.routes
        )
        self._change_static(replace(self._static, routes=routes))

    def switch_static_routes(self, *, enabled: bool) -> None:
        self._note(f"The test switches static routes {_on(enabled)}.")
        self._change_static(replace(self._static, enabled=enabled))

    def switch_open_federation(self, *, enabled: bool) -> None:
        self._note(f"The test switches open federation {_on(enabled)}.")
        self.apply(replace(self.settings, open_federation=OpenFederation(enabled)))

    def begin_test(self) -> None:
        self._before = self.settings
        self.log.clear()
        self._loop.call(self._server.empty_mailboxes)

    def end_test(self) -> None:
        self.apply(self._before)

    @property
    def _static(self) -> StaticRoutes:
        return self.settings.static_routes

    def _change_static(self, static: StaticRoutes) -> None:
        self.apply(replace(self.settings, static_routes=static))


def _on(enabled: bool) -> str:
    return "on" if enabled else "off"
