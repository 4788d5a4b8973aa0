"""Faults in who may federate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.defects.frame import defect
from tests.defects.server import is_server


@defect(
    caught_by=(
        "licensing/excluded-user-is-not-reachable[no-licence-R4]",
        "licensing/excluded-user-reaches-nobody[no-licence-R4]",
        "licensing/presence-of-an-excluded-user-is-not-shown[no-licence-R4]",
    ),
    says=("who may not federate", "carol@acme.test"),
)
def ignores_licences(patch: pytest.MonkeyPatch) -> None:
    """The server federates for users without a licence."""
    from simulator.connect_server import entitlement, server

    judge = entitlement.entitlement

    def generous(settings: Any, user: Any) -> Any:
        return judge(settings, replace(user, office_plus=True))

    patch.setattr(server, "entitlement", generous)


@defect(
    caught_by=("licensing/nobody-federates[licence-R3]", "licensing/presence-without-the-servers-licence"),
    says=("Without the server's licence",),
)
def ignores_the_servers_licence(patch: pytest.MonkeyPatch) -> None:
    """The server federates without its own licence."""
    from simulator.connect_server import entitlement, ways

    judge = entitlement.server_entitlement

    def generous(settings: Any) -> Any:
        return judge(replace(settings, licences=replace(settings.licences, server=True)))

    patch.setattr(entitlement, "server_entitlement", generous)
    patch.setattr(ways, "server_entitlement", generous)


def _without(patch: pytest.MonkeyPatch, level: str) -> None:
    from simulator.connect_server import entitlement

    switches = entitlement._switches

    def fewer(settings: Any, user: Any) -> Any:
        return (switch for switch in switches(settings, user) if switch[0] != level)

    patch.setattr(entitlement, "_switches", fewer)


@defect(caught_by=("licensing/switched-off-for-a-part[location]", "licensing/moved-to-another-part[location]"))
def ignores_locations(patch: pytest.MonkeyPatch) -> None:
    """The server takes no notice of the switch of a location."""
    _without(patch, "location")


@defect(caught_by=("licensing/switched-off-for-a-part[group]", "licensing/watched-when-a-part-is-switched-off[group]"))
def ignores_groups(patch: pytest.MonkeyPatch) -> None:
    """The server takes no notice of the switch of a configuration group."""
    _without(patch, "group")


@defect(caught_by=("licensing/switched-off-for-a-part[location]",), says=("and nobody else",))
def switches_everybody_off(patch: pytest.MonkeyPatch) -> None:
    """A location that is switched off takes all users of the server with it."""
    from simulator.connect_server import entitlement, server

    judge = entitlement.entitlement

    def too_strict(settings: Any, user: Any) -> Any:
        if any(location.federation is False for location in settings.locations):
            return entitlement.Entitlement(False, "location", "A location is switched off.")
        return judge(settings, user)

    patch.setattr(server, "entitlement", too_strict)


@defect(caught_by=("licensing/no-switch-stands-for-the-licence[*]",))
def takes_a_switch_for_a_licence(patch: pytest.MonkeyPatch) -> None:
    """A switch that is on stands for the Office Plus Pack."""
    from simulator.connect_server import entitlement, server

    judge = entitlement.entitlement

    def generous(settings: Any, user: Any) -> Any:
        on = any(switch[1] for switch in entitlement._switches(settings, user))
        return judge(settings, replace(user, office_plus=True) if on else user)

    patch.setattr(server, "entitlement", generous)


@defect(caught_by=("licensing/office-plus-pack-is-given", "licensing/licence-taken-away-in-a-conversation[user]"))
def asks_for_the_licence_once(patch: pytest.MonkeyPatch) -> None:
    """The server remembers for ever who had a licence when it first asked."""
    from simulator.connect_server import entitlement, server

    judge, known = entitlement.entitlement, dict[str, bool]()

    def forgetful(settings: Any, user: Any) -> Any:
        return judge(settings, replace(user, office_plus=known.setdefault(user.name, user.office_plus)))

    patch.setattr(server, "entitlement", forgetful)


@defect(
    caught_by=("licensing/excluded-user-is-not-reachable[*]", "licensing/presence-of-an-excluded-user-is-not-shown[*]"),
    says=("who may not federate",),
)
def lets_partners_reach_everybody(patch: pytest.MonkeyPatch) -> None:
    """Licences and switches count for what users send, and not for what reaches them."""
    from simulator.io.user_agent import UserAgent

    account_for = UserAgent.account_for

    def open_door(self: Any, link: Any, transaction: Any) -> Any:
        found = self.accounts.get(transaction.request.parsed_uri.aor) if is_server(self) else None
        return account_for(self, link, transaction) if found is None else found

    patch.setattr(UserAgent, "account_for", open_door)
