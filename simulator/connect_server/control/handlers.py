"""What each operation of the control API does with a Connect Server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Protocol

from simulator.connect_server import operations
from simulator.connect_server.administration import Administration
from simulator.connect_server.certificate_list import describe
from simulator.connect_server.certificates import StoredCertificate
from simulator.connect_server.control import models as m
from simulator.connect_server.control.problems import ControlError
from simulator.connect_server.suitability import Demands, Scope
from simulator.errors import ConfigurationError
from simulator.io.account import Account, Consent
from simulator.names import SipDomain, parse_host
from simulator.outcome import Outcome
from simulator.presence.state import Availability, PresenceState
from simulator.sip.uri import SipUri


class Host(Protocol):
    """The process that the server runs in."""

    name: str
    "Of the product, for people."
    version: str
    "Of the product."
    capabilities: frozenset[str]
    "What this host lets be done."

    def advance(self, seconds: float) -> None:
        """Set the clock of the server ahead."""

    async def start_instance(self, wanted: m.NewInstance) -> m.Instance:
        """Start another server; ConfigurationError when that cannot be."""

    async def stop_instance(self, instance_id: str) -> None:
        """Stop it; KeyError when there is none."""

    def take_errors(self) -> list[str]:
        """The internal errors since the last call."""


class Handlers:
    """A method for each operation, named as its `action`; the arguments are those of path, body and query together."""

    def __init__(self, administration: Administration, host: Host) -> None:
        self._admin = administration
        self._server = administration.server
        self._agent = administration.server.agent
        self._host = host

    async def describe(self) -> m.ServerInfo:
        settings = self._server.settings
        address, port = self._server.address
        return m.ServerInfo(
            contract=m.VERSION,
            name=self._host.name,
            version=self._host.version,
            domain=str(settings.domain),
            fqdn=str(settings.fqdn),
            address=address,
            port=port,
            capabilities=sorted(self._host.capabilities),
        )

    async def read_health(self) -> m.Health:
        return m.Health(ok=True, reason="")

    async def begin_test(self, name: str) -> None:
        self._host.take_errors()
        self._admin.begin_test()
        if name:
            self._agent.log(f"The test {name} begins.")

    async def end_test(self) -> m.TestEnd:
        self._admin.end_test()
        return m.TestEnd(errors=self._host.take_errors())

    # -- users --------------------------------------------------------------------------------------------------

    async def list_users(self) -> m.UserList:
        return m.UserList(items=[self._user_info(user.name) for user in self._server.settings.users])

    async def change_user(
        self, user: str, office_plus: bool | None, federation: bool | None, location: str | None, group: str | None
    ) -> m.UserInfo:
        self._account(user)
        if location is not None or group is not None:
            self._admin.put_user(user, location=location, group=group)
        if office_plus is not None:
            self._admin.change(operations.license_user, user, office_plus=office_plus)
        if federation is not None:
            self._admin.change(operations.switch_user, user, federation=federation)
        return self._user_info(user)

    async def read_organisation(self) -> m.Organisation:
        settings = self._server.settings
        return m.Organisation(
            server_licence=settings.licences.server,
            federation=settings.federation.enabled,
            locations=[m.Part(name=one.name, federation=one.federation) for one in settings.locations],
            groups=[m.Part(name=one.name, federation=one.federation) for one in settings.groups],
        )

    async def change_organisation(self, server_licence: bool | None, federation: bool | None) -> m.Organisation:
        if server_licence is not None:
            self._admin.change(operations.license_server, licensed=server_licence)
        if federation is not None:
            self._admin.change(operations.switch_federation, enabled=federation)
        return await self.read_organisation()

    async def put_location(self, name: str, federation: bool | None) -> None:
        self._admin.put_location(name, federation)

    async def put_group(self, name: str, federation: bool | None) -> None:
        self._admin.put_group(name, federation)

    async def send_message(self, user: str, to: str, text: str) -> m.Delivery:
        return _delivery(await self._agent.send_text(self._account(user), _uri(to), text))

    async def end_chat(self, user: str, to: str) -> None:
        await self._agent.end_chat(self._account(user), _uri(to))

    async def read_inbox(self, user: str, after: int, wait: float) -> m.Inbox:
        found = await self._account(user).inbox.beyond(after, within=wait)
        items = [m.ReceivedMessage(text=one.text, sender=one.sender, content_type=one.content_type) for one in found]
        return m.Inbox(items=items, next=after + len(items))

    async def show_typing(self, user: str, to: str, active: bool) -> m.Delivery:
        return _delivery(await self._agent.tell_typing(self._account(user), _uri(to), active))

    async def read_typing(self, user: str, after: int, wait: float) -> m.TypingList:
        found = await self._account(user).typing.beyond(after, within=wait)
        items = [m.SeenTyping(sender=one.sender, active=one.active) for one in found]
        return m.TypingList(items=items, next=after + len(items))

    async def set_presence(self, user: str, availability: Availability, activity: str | None, note: str | None) -> None:
        state = PresenceState(availability, activity=activity, note=note)
        self._agent.publish(self._account(user), state)

    async def watch(self, user: str, to: str) -> m.Delivery:
        return _delivery(await self._agent.watch(self._account(user), _uri(to)))

    async def unwatch(self, user: str, to: str) -> m.Delivery:
        return _delivery(await self._agent.unwatch(self._account(user), _uri(to)))

    async def read_roster(self, user: str) -> m.Roster:
        account = self._account(user)
        last = {seen.presentity: seen.state for seen in account.seen}
        entries = []
        for one in self._subscriptions():
            if one.watching and one.user == account.uri:
                state = last.get(one.other)
                shown = state.availability if state is not None else None
                entries.append(m.RosterEntry(uri=one.other, availability=shown))
        return m.Roster(items=entries)

    async def read_seen(self, user: str, after: int, wait: float) -> m.SeenList:
        items = []
        for seen in await self._account(user).seen.beyond(after, within=wait):
            state = seen.state
            items.append(
                m.SeenPresence(
                    presentity=seen.presentity,
                    availability=state.availability if state is not None else None,
                    activity=state.activity if state is not None else None,
                    note=state.note if state is not None else None,
                    subscription=seen.subscription,
                )
            )
        return m.SeenList(items=items, next=after + len(items))

    async def read_watch_states(self, user: str, after: int, wait: float) -> m.WatchStateList:
        found = await self._account(user).subscriptions.beyond(after, within=wait)
        items = [
            m.WatchState.model_validate({"presentity": one.presentity, "state": one.state, "reason": one.reason})
            for one in found
        ]
        return m.WatchStateList(items=items, next=after + len(items))

    async def read_watchers(self, user: str, after: int, wait: float) -> m.WatcherList:
        items = list(await self._account(user).watchers.beyond(after, within=wait))
        return m.WatcherList(items=items, next=after + len(items))

    async def set_consent(self, user: str, policy: Consent) -> None:
        await self._agent.set_consent(self._account(user), policy)

    async def answer_consent(self, user: str, to: str, allowed: bool) -> None:
        await self._agent.answer_watcher(self._account(user), _uri(to), allowed)

    # -- ways ---------------------------------------------------------------------------------------------------

    async def list_routes(self) -> m.RouteList:
        routes = self._server.settings.static_routes.routes
        items = [
            m.RouteInfo(domain=str(one.domain), host=str(one.host), port=one.port, enabled=one.enabled)
            for one in routes
        ]
        return m.RouteList(items=items)

    async def put_route(self, domain: str, host: str, port: int, enabled: bool) -> None:
        self._admin.put_route(SipDomain.parse(domain), parse_host(host), port, enabled=enabled)

    async def switch_route(self, domain: str, enabled: bool) -> None:
        self._change_route(domain, lambda known: self._admin.change(operations.switch_route, known, enabled=enabled))

    async def delete_route(self, domain: str) -> None:
        self._change_route(domain, lambda known: self._admin.change(operations.remove_route, known))

    async def change_switches(self, static_routes: bool | None, open_federation: bool | None) -> m.Switches:
        if static_routes is not None:
            self._admin.change(operations.switch_static_routes, enabled=static_routes)
        if open_federation is not None:
            self._admin.change(operations.switch_open_federation, enabled=open_federation)
        settings = self._server.settings
        return m.Switches(
            static_routes=settings.static_routes.enabled, open_federation=settings.open_federation.enabled
        )

    # -- certificates -------------------------------------------------------------------------------------------

    async def list_certificates(self) -> m.CertificateList:
        store = self._server.store
        return m.CertificateList(items=[self._entry(one) for one in store.certificates()])

    async def add_certificate(self, chain: str, key: str, scope: Scope, name: str) -> m.CertificateEntry:
        added = self._admin.add_certificate(
            chain.encode("ascii", "replace"), key.encode("ascii", "replace"), scope=scope, name=name
        )
        return self._entry(added)

    async def activate_certificate(self, fingerprint: str) -> m.CertificateEntry:
        return self._entry(self._admin.activate_certificate(fingerprint))

    async def delete_certificate(self, fingerprint: str) -> None:
        self._server.store.remove(fingerprint)

    def _entry(self, certificate: StoredCertificate) -> m.CertificateEntry:
        info = describe(certificate, Demands.of(self._server.settings), self._server.now)
        return m.CertificateEntry.model_validate(asdict(info))

    # -- what is seen of the server -----------------------------------------------------------------------------

    async def list_connections(self) -> m.ConnectionList:
        links = [link for link in self._agent.transport.links if link.alive]
        items = [
            m.ConnectionInfo(outgoing=link.outgoing, peer=link.peer_address, names=list(link.peer_names))
            for link in links
        ]
        return m.ConnectionList(items=items)

    async def list_subscriptions(self) -> m.SubscriptionList:
        return m.SubscriptionList(items=self._subscriptions())

    async def read_log(self, after: int, wait: float) -> m.Log:
        items = list(await self._admin.log.beyond(after, within=wait))
        return m.Log(items=items, next=after + len(items))

    async def advance_clock(self, seconds: float) -> None:
        self._host.advance(seconds)

    async def start_instance(self, **wanted: object) -> m.Instance:
        return await self._host.start_instance(m.NewInstance.model_validate(wanted))

    async def stop_instance(self, id: str) -> None:  # noqa: A002 - the name in the contract
        try:
            await self._host.stop_instance(id)
        except KeyError:
            raise ControlError(404, f"There is no instance {id!r}.") from None

    # -- inside -------------------------------------------------------------------------------------------------

    def _account(self, user: str) -> Account:
        try:
            return self._server.account(user)
        except ConfigurationError as error:
            raise ControlError(404, f"{error}.") from None

    def _user_info(self, name: str) -> m.UserInfo:
        account = self._server.account(name)
        return m.UserInfo(
            name=account.uri.removeprefix("sip:").partition("@")[0],
            uri=account.uri,
            display_name=account.display_name,
            federates=account.refusal() is None,
        )

    def _change_route(self, domain: str, change: Callable[[SipDomain], None]) -> None:
        try:
            change(SipDomain.parse(domain))
        except ConfigurationError as error:
            raise ControlError(404, f"{error}.") from None

    def _subscriptions(self) -> list[m.SubscriptionInfo]:
        return [
            m.SubscriptionInfo(user=user, other=other, watching=watching)
            for user, other, watching in self._agent.watches.living()
        ]


def _delivery(outcome: Outcome) -> m.Delivery:
    return m.Delivery(delivered=outcome.delivered, status=outcome.status, reason=outcome.reason, phase=outcome.phase)


def _uri(to: str) -> str:
    return SipUri.parse(to if to.startswith("sip:") else f"sip:{to}").aor
