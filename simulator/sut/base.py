"""What a scenario may ask of a server under test, whoever made it, and what its driver gets to work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, runtime_checkable

from simulator.errors import SipfedError
from simulator.names import Fqdn, Host, SipDomain
from simulator.sut.capabilities import CAPABILITIES

if TYPE_CHECKING:
    from fakes.ca import Authority, Issued
    from simulator.clock import SystemClock
    from simulator.evidence.recorder import Recorder
    from simulator.io.loop import LoopThread
    from simulator.io.timers import Timers
    from simulator.io.user import User


SERVER_DAYS: Final = 190
"How long a server's own certificate is valid: tests set the clock ahead, all of a run together by weeks."


class CapabilityMissing(SipfedError):
    """Something was asked of a server under test that nobody can tell it to do."""

    def __init__(self, server: str, capability: str, hint: str | None = None) -> None:
        """`hint` is what its driver says of that, where how to supply it elsewhere does not fit."""
        how = hint or f"to supply it, {CAPABILITIES[capability].supply}"
        super().__init__(f"{server} lacks the capability {capability}; {how}.")
        self.capability = capability


@runtime_checkable
class SaysWhy(Protocol):
    """A server under test elsewhere that can be asked why it decided what it did."""

    def read_log(self) -> list[str]:
        """Its sentences of this test; none where it cannot be asked."""


@runtime_checkable
class SeesArrivals(Protocol):
    """A server under test of which all that reaches its users can be seen."""

    def take_surprises(self) -> list[str]:
        """What reached the users and no expectation took, a sentence each; all of it is taken then."""


@runtime_checkable
class SaysWhatItLacks(Protocol):
    """A server under test whose driver knows better than the control API what could supply a capability."""

    @property
    def hints(self) -> Mapping[str, str]:
        """By capability, what there is to say when it lacks; others are supplied as everywhere."""


class CertificateRefused(SipfedError):
    """The server under test did not take a certificate; the text says why, where it says so."""


@dataclass(frozen=True, slots=True)
class HeldCertificate:
    """One certificate in the store of a server under test (R63, R64)."""

    fingerprint: str
    "SHA-256, hexadecimal digits: what it is chosen by."
    active: bool
    "Whether it is the one chosen for federation."
    usable: bool
    "Whether the server would let it be chosen."
    names: tuple[str, ...]
    "The names it is made out to."
    valid_until: str
    "ISO 8601, UTC; empty where the server does not say."


class ServerUnderTest(Protocol):
    """The server that is tested. A driver has the `capabilities` it names; a scenario says which ones it needs.

    What a test changes here is undone when the test ends. A verb whose capability is not there raises
    CapabilityMissing.
    """

    @property
    def name(self) -> str:
        """For people: product and version."""

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can be told to do, or can be watched doing; of `simulator.sut.capabilities.CAPABILITIES`."""

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
        """One of its users; `alice` and `anna` may federate, `carol` and `dave` may not (R4, R5)."""

    def add_route(self, domain: SipDomain, host: Host, port: int, *, enabled: bool = True) -> None:
        """Add a static route (R27, R32–R36); capability `static-routes`."""

    def switch_route(self, domain: SipDomain, *, enabled: bool) -> None:
        """Switch the static route to `domain` on or off (R37); capability `static-routes`."""

    def switch_static_routes(self, *, enabled: bool) -> None:
        """Switch the connection type on or off (R31); capability `static-routes`."""

    def switch_open_federation(self, *, enabled: bool) -> None:
        """Switch the connection type on or off (R39); capability `switch-open-federation`."""

    def license_server(self, *, licensed: bool) -> None:
        """Give the server its licence or take it away (R3); capability `groups`, as all of these."""

    def switch_federation(self, *, enabled: bool) -> None:
        """Switch federation of the whole server on or off."""

    def license_user(self, name: str, *, office_plus: bool) -> None:
        """Give a user the Office Plus Pack or take it away (R4)."""

    def switch_user(self, name: str, *, enabled: bool) -> None:
        """Set the user's own switch."""

    def put_user(self, name: str, *, location: str | None = None, group: str | None = None) -> None:
        """Put a user into a location or configuration group, or both; what is left out stays (R5, R6)."""

    def switch_location(self, name: str, *, enabled: bool | None) -> None:
        """Set the switch of a location, which is made where there is none; None leaves it open (R5)."""

    def switch_group(self, name: str, *, enabled: bool | None) -> None:
        """Set the switch of a configuration group, which is made where there is none; None leaves it open (R6)."""

    def list_certificates(self) -> list[HeldCertificate]:
        """The certificates that can be chosen from (R63, R64); capability `certificates`."""

    def add_certificate(self, certificate: Issued) -> HeldCertificate:
        """Put a certificate into the store and activate nothing (R68); CertificateRefused when it is not taken."""

    def activate_certificate(self, fingerprint: str) -> None:
        """Choose a certificate of the store for federation (R65, R75); CertificateRefused when it is not fit."""

    def advance(self, seconds: float) -> None:
        """Set the server's clock ahead, where it is not the federation's own; capability `time`."""

    def start_instance(self, domain: SipDomain, fqdn: Fqdn, certificate: Issued) -> ServerUnderTest:
        """Start another server of the same kind with other names; `close` it. Capability `identity`."""

    def begin_test(self) -> None:
        """Remember the state that `end_test` comes back to."""

    def end_test(self) -> list[str]:
        """Undo what the test changed; what went wrong inside the server during the test, a sentence each."""

    def close(self) -> None:
        """End what was started; a second call does nothing."""


class Limited:
    """The verbs that few servers have, for drivers that do not: each raises CapabilityMissing."""

    name: str
    hints: Mapping[str, str] = MappingProxyType({})

    def list_certificates(self) -> list[HeldCertificate]:
        self.lack("certificates")

    def add_certificate(self, certificate: Issued) -> HeldCertificate:  # noqa: ARG002
        self.lack("certificates")

    def activate_certificate(self, fingerprint: str) -> None:  # noqa: ARG002
        self.lack("certificates")

    def advance(self, seconds: float) -> None:  # noqa: ARG002 - the signature of the protocol
        self.lack("time")

    def license_server(self, *, licensed: bool) -> None:  # noqa: ARG002
        self.lack("groups")

    def switch_federation(self, *, enabled: bool) -> None:  # noqa: ARG002
        self.lack("groups")

    def license_user(self, name: str, *, office_plus: bool) -> None:  # noqa: ARG002
        self.lack("groups")

    def switch_user(self, name: str, *, enabled: bool) -> None:  # noqa: ARG002
        self.lack("groups")

    def put_user(self, name: str, *, location: str | None = None, group: str | None = None) -> None:  # noqa: ARG002
        self.lack("groups")

    def switch_location(self, name: str, *, enabled: bool | None) -> None:  # noqa: ARG002
        self.lack("groups")

    def switch_group(self, name: str, *, enabled: bool | None) -> None:  # noqa: ARG002
        self.lack("groups")

    def start_instance(
        self,
        domain: SipDomain,  # noqa: ARG002
        fqdn: Fqdn,  # noqa: ARG002
        certificate: Issued,  # noqa: ARG002
    ) -> ServerUnderTest:
        self.lack("identity")

    def lack(self, capability: str) -> NoReturn:
        """Raise CapabilityMissing."""
        raise CapabilityMissing(self.name, capability, self.hints.get(capability))


@dataclass(frozen=True)
class Surroundings:
    """What a driver gets of the federation that its server is tested in."""

    loop: LoopThread
    "Runs coroutines."
    clock: SystemClock
    "The federation's clock."
    timers: Timers
    "Timers on that clock."
    recorder: Recorder
    "The evidence."
    dns: tuple[str, int]
    "The fake DNS server, which the server under test has to ask."
    authority: Authority
    "Issues certificates, and is whom the server under test has to trust."
    addresses: Callable[[], tuple[str, int]]
    "Gives a fresh address and port to listen on."
    publish: Callable[[SipDomain, Fqdn, str, int, bool], None]
    "Makes the A record of a name, and the SRV record of the domain where the last value says so."
    log: Callable[[str, str], object]
    "Puts a sentence of a participant (its domain) into the evidence."
