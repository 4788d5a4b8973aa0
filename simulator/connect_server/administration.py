"""What an administrator changes on a running Connect Server, a verb each; a test's changes are undone (R27–R39)."""

from __future__ import annotations

from dataclasses import replace

from simulator.connect_server.server import ConnectServer
from simulator.connect_server.settings import Route, ServerSettings, StaticRoutes
from simulator.errors import ConfigurationError, Problem
from simulator.io.mailbox import Mailbox
from simulator.names import Host, SipDomain


class Administration:
    """Changes the settings of one server; to be used on the loop's thread."""

    def __init__(self, server: ConnectServer, log: Mailbox[str]) -> None:
        """`log` is where the server's own log goes; it is emptied when a test begins."""
        self.server = server
        self.log = log
        self._before = server.settings

    @property
    def settings(self) -> ServerSettings:
        """What is in force now."""
        return self.server.settings

    def put_route(self, domain: SipDomain, host: Host, port: int, *, enabled: bool = True) -> None:
        """Make or replace the static route to `domain` (R27, R32–R36)."""
        others = tuple(route for route in self._static.routes if route.domain != domain)
        self._change_static(replace(self._static, routes=(*others, Route(domain, host, port, enabled))))

    def switch_route(self, domain: SipDomain, *, enabled: bool) -> None:
        """Switch the static route to `domain` on or off (R37); ConfigurationError when there is none."""
        self._must_have_route(domain)
        routes = tuple(
            replace(route, enabled=enabled) if route.domain == domain else route for route in self._static.routes
        )
        self._change_static(replace(self._static, routes=routes))

    def delete_route(self, domain: SipDomain) -> None:
        """Remove the static route to `domain`; ConfigurationError when there is none."""
        self._must_have_route(domain)
        routes = tuple(route for route in self._static.routes if route.domain != domain)
        self._change_static(replace(self._static, routes=routes))

    def switch_static_routes(self, *, enabled: bool) -> None:
        """Switch the connection type on or off (R31)."""
        self._change_static(replace(self._static, enabled=enabled))

    def switch_open_federation(self, *, enabled: bool) -> None:
        """Switch the connection type on or off (R39)."""
        open_federation = replace(self.settings.open_federation, enabled=enabled)
        self.server.apply(replace(self.settings, open_federation=open_federation))

    def change_user(self, name: str, *, office_plus: bool | None = None, federation: bool | None = None) -> None:
        """Change a user's licence or switch (R4–R6); None leaves it. ConfigurationError when there is no such user."""
        self.server.account(name)
        users = []
        for user in self.settings.users:
            if user.name.lower() == name.lower():
                licence = user.office_plus if office_plus is None else office_plus
                switch = user.federation if federation is None else federation
                user = replace(user, office_plus=licence, federation=switch)
            users.append(user)
        self.server.apply(replace(self.settings, users=tuple(users)))

    def begin_test(self) -> None:
        """Remember the settings, and forget what reached the users."""
        self._before = self.settings
        self.log.clear()
        self.server.empty_mailboxes()

    def end_test(self) -> None:
        """Put the settings back as they were when the test began."""
        self.server.apply(self._before)

    @property
    def _static(self) -> StaticRoutes:
        return self.settings.static_routes

    def _change_static(self, static: StaticRoutes) -> None:
        self.server.apply(replace(self.settings, static_routes=static))

    def _must_have_route(self, domain: SipDomain) -> None:
        if all(route.domain != domain for route in self._static.routes):
            raise ConfigurationError([Problem(f"route {domain}", "there is no such static route; add it first")])
