"""What a scenario may ask of a server under test, whoever made it."""

from __future__ import annotations

from typing import Protocol

from simulator.io.user import User
from simulator.names import Fqdn, Host, SipDomain


class ServerUnderTest(Protocol):
    """The server that is tested. A driver has the `capabilities` it names; a scenario says which ones it needs.

    What a test changes here is undone when the test ends.
    """

    @property
    def name(self) -> str:
        """For people: product and version."""

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can be told to do, or can be watched doing; one of `simulator.sut.capabilities.CAPABILITIES`."""

    @property
    def domain(self) -> SipDomain:
        """The domain of its users (R50)."""

    @property
    def fqdn(self) -> Fqdn:
        """Its public name (R51)."""

    @property
    def address(self) -> str:
        """The IP address it listens on."""

    @property
    def port(self) -> int:
        """The TCP port it listens on."""

    def user(self, name: str = "alice") -> User:
        """One of its users; `alice` and `anna` may federate, `carol` has no licence (R4)."""

    def add_route(self, domain: SipDomain, host: Host, port: int, *, enabled: bool = True) -> None:
        """Add a static route (R27, R32–R36)."""

    def switch_route(self, domain: SipDomain, *, enabled: bool) -> None:
        """Switch the static route to `domain` on or off (R37)."""

    def switch_static_routes(self, *, enabled: bool) -> None:
        """Switch the connection type on or off (R31)."""

    def switch_open_federation(self, *, enabled: bool) -> None:
        """Switch the connection type on or off (R39)."""

    def begin_test(self) -> None:
        """Remember the state that `end_test` comes back to."""

    def end_test(self) -> None:
        """Undo what the test changed and forget what its users received."""
