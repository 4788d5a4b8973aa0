"""A running Connect Server as its administrator holds it: changes take effect at once, and a test's are undone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from simulator.connect_server import operations
from simulator.connect_server.certificates import StoredCertificate
from simulator.connect_server.server import ConnectServer
from simulator.connect_server.settings import Group, Location, ServerSettings
from simulator.connect_server.suitability import Scope
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
        self._added: list[StoredCertificate] = []
        self._active: StoredCertificate | None = None

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

    def put_user(self, name: str, *, location: str | None, group: str | None) -> None:
        """Put a user into a location or configuration group; what is None stays as it is (R5, R6)."""
        user = self.settings.user(name)
        place, part = (user.location, user.group) if user is not None else (None, None)
        self.change(operations.move_user, name, location=location or place, group=group or part)

    def put_location(self, name: str, federation: bool | None) -> None:
        """Make or switch a location (R5)."""
        if self.settings.location(name) is None:
            self.change(operations.add_location, Location(name, federation))
        else:
            self.change(operations.switch_location, name, federation=federation)

    def put_group(self, name: str, federation: bool | None) -> None:
        """Make or switch a configuration group (R6)."""
        if self.settings.group(name) is None:
            self.change(operations.add_group, Group(name, federation))
        else:
            self.change(operations.switch_group, name, federation=federation)

    def add_certificate(
        self, chain: bytes, key: bytes, *, scope: Scope = "machine", name: str = ""
    ) -> StoredCertificate:
        """Put a certificate into the store until the test ends; ConfigurationError as `CertificateStore.add`."""
        added = self.server.store.add(chain, key, scope=scope, name=name)
        self._added.append(added)
        return added

    def activate_certificate(self, selector: str) -> StoredCertificate:
        """Choose a certificate of the store for federation; ConfigurationError as `ConnectServer.activate`."""
        active = self.server.store.active()
        chosen = self.server.activate(selector)
        self._active = self._active or active
        return chosen

    def begin_test(self) -> None:
        """Remember the settings, and forget what reached the users."""
        self._before = self.settings
        self._added.clear()
        self._active = None
        self.log.clear()
        self.server.empty_mailboxes()

    def end_test(self) -> None:
        """Put settings and store back as they were when the test began."""
        if self._active is not None:
            self.server.resume(self._active)
            self._active = None
        for certificate in self._added:
            with suppress(ConfigurationError):  # the test has removed it, or made it the only one that there is
                self.server.store.remove(certificate.fingerprint)
        self._added.clear()
        self.server.apply(self._before)
