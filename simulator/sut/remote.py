"""A server under test that is told what to do by operations of the control API, by whatever way they reach it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel

from simulator.connect_server.control import models as m
from simulator.connect_server.control.contract import BY_ACTION, OPERATIONS
from simulator.io.user import User
from simulator.names import Fqdn, Host, SipDomain
from simulator.sut.actions import ActionFailed, Actions, Refused
from simulator.sut.base import CertificateRefused, HeldCertificate, Limited, ServerUnderTest, Surroundings
from simulator.sut.capabilities import CAPABILITIES, with_implied
from simulator.sut.remote_users import RemoteAgent, RemoteUsers
from simulator.sut.settings import SutSettings

if TYPE_CHECKING:
    from fakes.ca import Issued
    from simulator.sut.process import ServerProcess

R = TypeVar("R", bound=BaseModel)

NEEDED: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(operation.action for operation in OPERATIONS if operation.capability == name) for name in CAPABILITIES
} | {
    "chat": ("send_message",),
    "typing": ("show_typing", "read_typing"),
    "consent": ("set_consent", "answer_consent", "read_watchers"),
    "presence": ("set_presence", "watch", "unwatch", "read_seen"),
    "certificates": ("list_certificates", "add_certificate", "activate_certificate"),
    "static-routes": ("put_route", "switch_route", "change_switches"),
    "switch-open-federation": ("change_switches",),
    "observe-connections": ("list_connections", "list_subscriptions"),
}
"The actions without which a server has not got the capability; the others are for people."


def _held(entry: m.CertificateEntry) -> HeldCertificate:
    return HeldCertificate(entry.fingerprint, entry.active, entry.usable, tuple(entry.names), entry.valid_until)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a server says it is."""

    name: str
    domain: SipDomain
    fqdn: Fqdn
    address: str
    port: int
    capabilities: frozenset[str]

    @classmethod
    def from_info(cls, info: m.ServerInfo, settings: SutSettings | None = None) -> Identity:
        """What it says of itself, with what its owner says above that; unknown capabilities are left out."""
        said = {word for word in info.capabilities if word in CAPABILITIES}
        said |= settings.capabilities if settings else frozenset()
        denied = settings.without if settings else frozenset()
        address, port = settings.address if settings and settings.address else (info.address, info.port)
        own = f"{info.name} {info.version}".strip()
        return cls(
            settings.name if settings and settings.name else own,
            SipDomain.parse(info.domain),
            settings.fqdn if settings and settings.fqdn else Fqdn.parse(info.fqdn),
            address,
            port,
            with_implied(said) - denied,
        )


def identity_of(settings: SutSettings, found: Iterable[str]) -> Identity:
    """Who a server is that cannot be asked: all from the settings, with the capabilities that its driver found."""
    assert settings.fqdn is not None and settings.address is not None, "the settings file demands them"
    able = with_implied((*found, *settings.capabilities)) - settings.without
    name = settings.name or f"the server at {settings.fqdn}"
    return Identity(name, settings.domain, settings.fqdn, *settings.address, able)


class RemoteServer(Limited):
    """Drives a server through `Actions`. Where it cannot be reset between tests, what they changed is changed back."""

    def __init__(
        self,
        around: Surroundings,
        identity: Identity,
        actions: Actions,
        *,
        names: dict[str, str] | None = None,
        on_close: Callable[[], object] = lambda: None,
        looks_twice: bool = True,
    ) -> None:
        """`names` are those of the users by role; `on_close` ends what was started for this server. Where a look into
        an inbox costs somebody something, `looks_twice` is False, and none is taken at the end of a test."""
        self.name = identity.name
        self.capabilities = identity.capabilities
        self.domain, self.fqdn = identity.domain, identity.fqdn
        self.address, self.port = identity.address, identity.port
        self._around = around
        self._actions = actions
        self._on_close = on_close
        self._undo: list[tuple[str, dict[str, Any]]] = []
        self._resets = actions.can("begin_test") and actions.can("end_test")
        self.agent = RemoteAgent(self.perform, self._needs)
        "Acts for the users."
        self._users = RemoteUsers(
            around, self.domain, names or {}, self.agent, self.perform, can=actions.can, resets=self._resets
        )
        self._closed = False
        self._looks_twice = looks_twice
        self.child: ServerProcess | None = None
        "The process of the server, where we started it."

    # -- users --------------------------------------------------------------------------------------------------

    def user(self, name: str = "alice") -> User:
        return self._users.user(name)

    # -- administration -----------------------------------------------------------------------------------------

    def add_route(self, domain: SipDomain, host: Host, port: int, *, enabled: bool = True) -> None:
        self._needs("static-routes")
        self._do("put_route", domain=str(domain), host=str(host), port=port, enabled=enabled)
        undo = "delete_route" if self._actions.can("delete_route") else "switch_route"
        self._undo.append((undo, {"domain": str(domain), **({"enabled": False} if undo == "switch_route" else {})}))

    def switch_route(self, domain: SipDomain, *, enabled: bool) -> None:
        self._needs("static-routes")
        self._do("switch_route", domain=str(domain), enabled=enabled)

    def switch_static_routes(self, *, enabled: bool) -> None:
        self._needs("static-routes")
        self._do("change_switches", static_routes=enabled, open_federation=None)
        self._undo.append(("change_switches", {"static_routes": True, "open_federation": None}))

    def switch_open_federation(self, *, enabled: bool) -> None:
        self._needs("switch-open-federation")
        self._do("change_switches", static_routes=None, open_federation=enabled)
        self._undo.append(("change_switches", {"static_routes": None, "open_federation": True}))

    def license_server(self, *, licensed: bool) -> None:
        self._change_organisation(server_licence=licensed)
        self._undo.append(("change_organisation", {"server_licence": True, "federation": None}))

    def switch_federation(self, *, enabled: bool) -> None:
        self._change_organisation(federation=enabled)
        self._undo.append(("change_organisation", {"server_licence": None, "federation": True}))

    def license_user(self, name: str, *, office_plus: bool) -> None:
        self._change_user(name, office_plus=office_plus)
        self._undo.append(("change_user", self._of_user(name, office_plus=True)))

    def switch_user(self, name: str, *, enabled: bool) -> None:
        self._change_user(name, federation=enabled)
        self._undo.append(("change_user", self._of_user(name, federation=True)))

    def put_user(self, name: str, *, location: str | None = None, group: str | None = None) -> None:
        self._change_user(name, location=location, group=group)

    def switch_location(self, name: str, *, enabled: bool | None) -> None:
        self._needs("groups")
        self._do("put_location", name=name, federation=enabled)
        self._undo.append(("put_location", {"name": name, "federation": None}))

    def switch_group(self, name: str, *, enabled: bool | None) -> None:
        self._needs("groups")
        self._do("put_group", name=name, federation=enabled)
        self._undo.append(("put_group", {"name": name, "federation": None}))

    def _change_organisation(self, **changes: bool) -> None:
        self._needs("groups")
        self._do("change_organisation", **{"server_licence": None, "federation": None, **changes})

    def _change_user(self, name: str, **changes: Any) -> None:
        self._needs("groups")
        self._do("change_user", **self._of_user(name, **changes))

    def _of_user(self, name: str, **changes: Any) -> dict[str, Any]:
        unchanged = {"office_plus": None, "federation": None, "location": None, "group": None}
        return {"user": self._users.name_of(name), **unchanged, **changes}

    def list_certificates(self) -> list[HeldCertificate]:
        self._needs("certificates")
        return [_held(entry) for entry in self._ask(m.CertificateList, "list_certificates").items]

    def add_certificate(self, certificate: Issued) -> HeldCertificate:
        self._needs("certificates")
        chain, key = certificate.chain_pem.decode("ascii"), certificate.key_pem.decode("ascii")
        try:
            entry = self._ask(m.CertificateEntry, "add_certificate", chain=chain, key=key, scope="machine", name="")
        except Refused as error:
            raise CertificateRefused(str(error)) from error
        if self._actions.can("delete_certificate"):
            self._undo.append(("delete_certificate", {"fingerprint": entry.fingerprint}))
        return _held(entry)

    def activate_certificate(self, fingerprint: str) -> None:
        self._needs("certificates")
        before = [one.fingerprint for one in self.list_certificates() if one.active]
        try:
            self._do("activate_certificate", fingerprint=fingerprint)
        except Refused as error:
            raise CertificateRefused(str(error)) from error
        self._undo += [("activate_certificate", {"fingerprint": one}) for one in before]

    def advance(self, seconds: float) -> None:
        self._needs("time")
        self._do("advance_clock", seconds=seconds)

    def start_instance(self, domain: SipDomain, fqdn: Fqdn, certificate: Issued) -> ServerUnderTest:
        self._needs("identity")
        address, port = self._around.addresses()
        instance = self._ask(
            m.Instance,
            "start_instance",
            domain=str(domain),
            fqdn=str(fqdn),
            certificate_chain=certificate.chain_pem.decode("ascii"),
            private_key=certificate.key_pem.decode("ascii"),
            address=address,
            port=port,
        )
        from simulator.sut.http import connect

        return connect(
            self._around,
            instance.url,
            instance.token,
            on_close=lambda: self._do("stop_instance", id=instance.id),
        )

    def read_log(self) -> list[str]:
        """What the server says it decided during this test; nothing where it cannot be asked."""
        if "observe-log" not in self.capabilities:
            return []
        try:
            return self._ask(m.Log, "read_log", after=0, wait=0).items
        except ActionFailed as error:  # the failure that it is to explain says more
            return [str(error)]

    def take_surprises(self) -> list[str]:
        """The messages to users of this test that no expectation took; of other users nobody knows whether anything is
        new, and signs of typing and offers have no place in the order of what came."""
        if "observe-inbox" not in self.capabilities or not self._looks_twice:
            return []
        try:
            return self._users.take_surprises()
        except ActionFailed as error:  # the test may have failed because of the same
            return [str(error)]

    # -- tests --------------------------------------------------------------------------------------------------

    def begin_test(self) -> None:
        self._undo.clear()
        if self._resets:
            self._do("begin_test", name="")
        self._users.begin_test()

    def end_test(self) -> list[str]:
        if self._resets:
            return self._ask(m.TestEnd, "end_test").errors
        for action, arguments in reversed(self._undo):
            self._do(action, **arguments)
        self._undo.clear()
        self._users.end_test()
        return []

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            try:
                self._around.loop.run(self._actions.close())
            finally:
                self._on_close()

    # -- inside -------------------------------------------------------------------------------------------------

    async def perform(self, action: str, arguments: dict[str, Any]) -> BaseModel | None:
        """Do one operation; to be called on the loop."""
        return await self._actions.perform(BY_ACTION[action], arguments)

    def _do(self, action: str, **arguments: Any) -> BaseModel | None:
        return self._around.loop.run(self.perform(action, arguments))

    def _ask(self, model: type[R], action: str, **arguments: Any) -> R:
        result = self._around.loop.run(self.perform(action, arguments))
        assert isinstance(result, model), "the contract says which action has which result"
        return result

    def _needs(self, capability: str) -> None:
        if capability not in self.capabilities:
            self.lack(capability)
