"""A running Connect Server as its administrator holds it: changes take effect at once, and a test's are undone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from simulator.connect_server import operations
from simulator.connect_server.server import ConnectServer
from simulator.connect_server.settings import ServerSettings
from simulator.errors import ConfigurationError
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

    def change(self, operation: Callable[..., ServerSettings], *arguments: object, **named: object) -> None:
        """Put into force what a function of `operations` makes of the settings; ConfigurationError as it says."""
        self.server.apply(operation(self.settings, *arguments, **named))

    def put_route(self, domain: SipDomain, host: Host, port: int, *, enabled: bool = True) -> None:
        """Make or replace the static route to `domain` (R27, R32–R36)."""
        settings = self.settings
        with suppress(ConfigurationError):  # there was none yet
            settings = operations.remove_route(settings, domain)
        self.server.apply(operations.add_route(settings, domain, host, port, enabled=enabled))

    def begin_test(self) -> None:
        """Remember the settings, and forget what reached the users."""
        self._before = self.settings
        self.log.clear()
        self.server.empty_mailboxes()

    def end_test(self) -> None:
        """Put the settings back as they were when the test began."""
        self.server.apply(self._before)
