"""Faults in how the server copes with a partner's policy, and faults in the policies themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.defects.frame import defect
from tests.defects.server import break_server, is_server

# -- the server ---------------------------------------------------------------------------------------------------


@defect(
    caught_by=("policy/lists-that-refuse[blocked]", "policy/user-without-federation[teams]"),
    also=("chat/declined-invitation",),
    says=("The partner had refused, and still the server sent",),
)
def hammers(patch: pytest.MonkeyPatch) -> None:
    """The server tries again at once, five times, when a partner refuses with 403 or 504."""
    from simulator.io.chats import Chats

    async def stubborn(sound: Any, self: Any, *arguments: Any) -> Any:
        for _ in range(5):
            outcome = await sound(self, *arguments)
            if outcome.status not in (403, 504):
                break
        return outcome

    break_server(patch, Chats, "send", stubborn)


@defect(
    caught_by=("policy/presence-with-lists-that-refuse[blocked]", "policy/presence-of-a-tenant-that-refuses[trial]"),
    says=("The partner had refused, and still the server sent", "(SUBSCRIBE)"),
)
def subscribes_madly(patch: pytest.MonkeyPatch) -> None:
    """The server subscribes again and again when a partner refuses with 403 or 504."""
    from simulator.io.watches import Watches

    async def stubborn(sound: Any, self: Any, *arguments: Any, **named: Any) -> Any:
        for _ in range(5):
            outcome = await sound(self, *arguments, **named)
            if outcome.status not in (403, 504):
                break
        return outcome

    break_server(patch, Watches, "subscribe", stubborn)


@defect(
    caught_by=(
        "policy/tenant-that-refuses[block-list]",
        "policy/one-tenant-of-many-blocks",
        "policy/external-access-is-switched-on",
        "policy/answer-to-a-blocked-domain[403]",
    ),
    also=("chat/declined-invitation", "resilience/*[answered-504]"),
    says=("is on the list of bad servers",),
)
def gives_up_on_the_whole_edge(patch: pytest.MonkeyPatch) -> None:
    """The server sends nothing more to an edge that has refused once, whichever tenant or user it was for."""
    from simulator.io.chats import Chats
    from simulator.outcome import Outcome

    bad: set[object] = set()

    async def resentful(sound: Any, self: Any, account: Any, remote: str, *arguments: Any) -> Any:
        link = await self._agent.link_to_user(remote)
        if link.expected in bad:
            return Outcome(False, None, f"{link.expected} is on the list of bad servers", "policy")
        outcome = await sound(self, account, remote, *arguments)
        if outcome.status in (403, 504):
            bad.add(link.expected)
        return outcome

    break_server(patch, Chats, "send", resentful)


@defect(
    caught_by=(
        "policy/user-who-loses-federation",
        "policy/message-that-is-filtered[606]",
        "policy/message-that-is-too-large",
    ),
    also=("resilience/message-in-a-conversation",),
    says=("Expected a failure with status 606",),
)
def believes_that_sent_is_delivered(patch: pytest.MonkeyPatch) -> None:
    """The server tells the sender that a message inside a session was delivered, whatever the partner answered."""
    from simulator.io.chat_session import GONE, ChatSession

    async def optimistic(sound: Any, self: Any, *arguments: Any) -> Any:
        outcome = await sound(self, *arguments)
        return outcome if outcome.status in GONE else replace(outcome, delivered=True)

    break_server(patch, ChatSession, "send", optimistic)


@defect(caught_by=("policy/message-that-is-filtered[606]",), says=("was sent 2 times",))
def sends_refused_messages_again(patch: pytest.MonkeyPatch) -> None:
    """The server sends a message a second time when the partner has refused it with 606."""
    from simulator.io.chat_session import ChatSession

    async def stubborn(sound: Any, self: Any, *arguments: Any) -> Any:
        outcome = await sound(self, *arguments)
        return await sound(self, *arguments) if outcome.status == 606 else outcome

    break_server(patch, ChatSession, "send", stubborn)


@defect(
    caught_by=("policy/to-many-tenants-behind-one-edge",),
    also=("discovery/many-tenants-of-one-provider", "routes/two-routes-to-one-server"),
)
def mixes_tenants(patch: pytest.MonkeyPatch) -> None:
    """The server tells the people behind one edge apart by the name before the `@` alone."""
    from simulator.io.chats import Chats

    async def careless(sound: Any, self: Any, account: Any, remote: str, message: str, form: Any = None) -> Any:
        edge = str((await self._agent.link_to_user(remote)).expected)
        name = remote.partition("@")[0]
        for (own, other), session in tuple(self._sessions.items()):
            dialog = session._session.dialog
            there = dialog is not None and any(edge in route for route in dialog.routes)
            if there and own == account.uri and other != remote and other.startswith(f"{name}@") and session.usable:
                return await session.send(message, form)
        return await sound(self, account, remote, message, form)

    break_server(patch, Chats, "send", careless)


@defect(
    caught_by=("policy/from-many-tenants-behind-one-edge", "policy/presence-is-shown-to-many-tenants"),
    also=("chat", "trust", "discovery"),
    says=("403 Forbidden",),
)
def one_domain_a_connection(patch: pytest.MonkeyPatch) -> None:
    """The server takes requests of one domain only on each connection."""
    from simulator.io.account import Refusal
    from simulator.io.admission import Admission

    async def strict(sound: Any, self: Any, link: Any, way: Any) -> Any:
        if self._vouched.get(link):
            return Refusal(403, "Forbidden", "the connection belongs to another domain")
        return await sound(self, link, way)

    break_server(patch, Admission, "_refusal_for", strict)


@defect(caught_by=("policy/watched-when-the-domain-is-blocked",))
def one_refusal_ends_all_watching(patch: pytest.MonkeyPatch) -> None:
    """The server forgets all watchers when one of them refuses a notification."""
    from simulator.io.watches import Watches
    from simulator.sip.notifier import NotifierUsage

    servers: list[Any] = []
    start = Watches.on_subscribe
    receive = NotifierUsage.receive_response

    def noted(self: Any, *arguments: Any) -> None:
        if is_server(self) and self not in servers:
            servers.append(self)
        start(self, *arguments)

    def fatal(self: Any, response: Any) -> None:
        receive(self, response)
        if response.status in (403, 504):
            for watches in servers:
                watches.close()

    patch.setattr(Watches, "on_subscribe", noted)
    patch.setattr(NotifierUsage, "receive_response", fatal)


# -- policies of partners -----------------------------------------------------------------------------------------


@defect(
    caught_by=(
        "policy/tenant-that-admits[suffix-blocked-to-the-partner]",
        "policy/block-list-and-subdomains[no-label-boundary-with-all]",
    ),
)
def blocks_by_suffix(patch: pytest.MonkeyPatch) -> None:
    """BlockAllSubdomains of a tenant compares the ends of names, and so blocks subcontoso.com with contoso.com."""
    from simulator.partner import TenantPolicy

    why_not = TenantPolicy.why_not

    def loose(self: Any, domain: Any) -> str | None:
        alike = self.allowed is None and any(str(domain).endswith(str(blocked)) for blocked in self.blocked)
        return "It ends alike." if alike and self.block_all_subdomains else why_not(self, domain)

    patch.setattr(TenantPolicy, "why_not", loose)


@defect(caught_by=("policy/block-list-and-subdomains[subdomain]",), also=("policy",))
def blocks_subdomains_unasked(patch: pytest.MonkeyPatch) -> None:
    """A tenant that blocks a domain blocks all below it, without BlockAllSubdomains."""
    from simulator.partner import TenantPolicy

    why_not = TenantPolicy.why_not

    def strict(self: Any, domain: Any) -> str | None:
        return why_not(replace(self, block_all_subdomains=True), domain)

    patch.setattr(TenantPolicy, "why_not", strict)


@defect(
    caught_by=("policy/block-list-and-subdomains[*with-all]",),
    says=("Expected a failure",),
)
def ignores_block_all_subdomains(patch: pytest.MonkeyPatch) -> None:
    """A tenant's BlockAllSubdomains does nothing."""
    from simulator.partner import TenantPolicy

    why_not = TenantPolicy.why_not

    def exact(self: Any, domain: Any) -> str | None:
        return why_not(replace(self, block_all_subdomains=False), domain)

    patch.setattr(TenantPolicy, "why_not", exact)


@defect(caught_by=("policy/tenant-that-admits[allow-list-hides-block-list-to-the-partner]",))
def block_list_beside_the_allow_list(patch: pytest.MonkeyPatch) -> None:
    """A tenant's block list counts although there is an allow list."""
    from simulator.partner import TenantPolicy

    why_not = TenantPolicy.why_not

    def both(self: Any, domain: Any) -> str | None:
        return "It is on the block list." if domain in self.blocked else why_not(self, domain)

    patch.setattr(TenantPolicy, "why_not", both)


@defect(
    caught_by=("policy/tenant-that-refuses[master-switch-off]", "policy/presence-of-a-tenant-that-refuses[trial]"),
    says=("Expected a failure",),
)
def ignores_the_master_switch(patch: pytest.MonkeyPatch) -> None:
    """A tenant federates although external access is switched off, or with trial licences."""
    from simulator.partner import TenantPolicy

    patch.setattr(TenantPolicy, "_master_switch", lambda _self: None)


@defect(
    caught_by=("policy/user-without-federation", "policy/lists-of-a-user[none]"),
    also=("presence/refused-subscription",),
    says=("Expected a failure",),
)
def ignores_the_users_policy(patch: pytest.MonkeyPatch) -> None:
    """A partner delivers to users whose own policy allows no federation."""
    from simulator.partner import FederationPolicy, TenantPolicy

    for policy in (FederationPolicy, TenantPolicy):
        patch.setattr(policy, "why_not_user", lambda _self, _name, _domain: None)


@defect(caught_by=("policy/hosting-provider[disabled]",), says=("Expected a failure",))
def trusts_disabled_providers(patch: pytest.MonkeyPatch) -> None:
    """An edge trusts a hosting provider that is disabled."""
    from simulator.partner import FederationPolicy

    patch.setattr(FederationPolicy, "providers", lambda self: self.hosting_providers)


@defect(
    caught_by=("policy/verification-level[unverifiable]", "policy/answer-to-an-unverified-sender[403]"),
    says=("Expected a failure",),
)
def delivers_what_is_unverified(patch: pytest.MonkeyPatch) -> None:
    """An edge delivers messages of unverified senders to everybody."""
    from simulator.partner.rules import EdgeRules

    patch.setattr(EdgeRules, "_unverified", lambda _self, *_arguments: None)


@defect(caught_by=("policy/verification-level[unverifiable-contact]", "policy/tenant-that-verifies"))
def knows_no_contacts(patch: pytest.MonkeyPatch) -> None:
    """An edge refuses unverified senders who are contacts of the user."""
    from simulator.partner import Partner

    patch.setattr(Partner, "_is_contact", lambda _self, _user, _remote: False)


@defect(caught_by=("policy/more-messages-than-a-discovered-partner-may-send",))
def never_lifts_the_limit(patch: pytest.MonkeyPatch) -> None:
    """A discovered partner that was once too fast is refused for ever."""
    from simulator.partner.limits import DiscoveredLimits

    check = DiscoveredLimits.check

    def for_ever(self: Any, peer: str, user: str, now: float) -> Any:
        return check(self, peer, user, 0.0)

    patch.setattr(DiscoveredLimits, "check", for_ever)


@defect(caught_by=("policy/listed-partner-has-no-limit",), says=("503",))
def limits_listed_partners(patch: pytest.MonkeyPatch) -> None:
    """An edge limits the messages of domains on its allow list as those of strangers."""
    from simulator.partner.rules import EdgeRules

    patch.setattr(EdgeRules, "_source_of", lambda _self, *_arguments: "DiscoveredPartner")
