"""Faults of a Connect Server: each must be caught by the scenarios that are about it, and by no other.

A defect is a patch from outside; the product has no switches for them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

RunWith = Callable[[str], dict[str, str]]


@dataclass(frozen=True)
class Defect:
    """One plausible fault."""

    name: str
    "What the server does wrong."
    patch: str
    "Python that makes it so."
    caught_by: frozenset[str]
    "The scenarios that must fail, and the only ones."
    words: tuple[str, ...]
    "What at least one failure text must say."


DEFECTS = (
    Defect(
        "accepts a wildcard certificate",
        """
from dataclasses import replace
import simulator.connect_server.ways as ways
ways.PEER_RULES = replace(ways.PEER_RULES, wildcard_ok=True)
""",
        frozenset({"trust/refused-as-the-dialled-server[wildcard]", "trust/refused-as-the-dialling-client[wildcard]"}),
        ("never sent a message", "certificate: *.fabrikam", "Expected a failure, but the message"),
    ),
    Defect(
        "ignores the switch of a route",
        """
from simulator.connect_server.settings import StaticRoutes
StaticRoutes.route_to = lambda self, domain: next(
    (route for route in self.routes if self.enabled and route.domain == domain), None
)
""",
        frozenset({"routes/one-switched-off-another-still-works", "routes/switched-off-while-connected"}),
        ("Switching a route off", "200 OK (MESSAGE)"),
    ),
    Defect(
        "ignores the switch of open federation",
        """
from simulator.connect_server.server import ConnectServer
from simulator.io.peering import NotFederated, OpenWay
way_to = ConnectServer.way_to
def open_to_all(self, domain, user=""):
    try:
        return way_to(self, domain, user)
    except NotFederated as error:
        if "open federation is switched off" not in str(error):
            raise
        return OpenWay(domain)
ConnectServer.way_to = open_to_all
""",
        frozenset({"discovery/open-federation-off-outbound", "discovery/open-federation-off-inbound"}),
        ("With open federation switched off", "Hello?"),
    ),
    Defect(
        "does not look at licences",
        """
import simulator.connect_server.entitlement as entitlement
import simulator.connect_server.server as server
from dataclasses import replace
judge = entitlement.entitlement
server.entitlement = lambda settings, user: judge(settings, replace(user, office_plus=True))
""",
        frozenset(
            {
                "licensing/excluded-user-is-not-reachable[no-licence-R4]",
                "licensing/excluded-user-reaches-nobody[no-licence-R4]",
                "licensing/presence-of-an-excluded-user-is-not-shown[no-licence-R4]",
            }
        ),
        ("who may not federate", "carol@acme.test"),
    ),
    Defect(
        "believes whatever domain a sender claims",
        """
from simulator.io.admission import Admission
from simulator.connect_server.server import ConnectServer
checked = Admission._refusal_for
async def believe(self, link, way):
    return () if isinstance(self._agent.peering, ConnectServer) else await checked(self, link, way)
Admission._refusal_for = believe
""",
        frozenset(
            {
                "trust/refused-as-the-dialling-client[wrong-name]",
                "discovery/sender-whose-domain-has-no-srv",
            }
        ),
        ("bad client certificate is not delivered",),
    ),
    Defect(
        "applies the name rule to its partners, and so loses every Teams tenant",
        """
from dataclasses import replace
from simulator.io.peering import OpenWay
from simulator.connect_server.server import ConnectServer
way_to = ConnectServer.way_to
def strict(self, domain, user=""):
    way = way_to(self, domain, user)
    return replace(way, rules=replace(way.rules, name_rule=True)) if isinstance(way, OpenWay) else way
ConnectServer.way_to = strict
""",
        frozenset({"discovery/target-outside-the-partners-domain"}),
        ("as every Teams tenant has one",),
    ),
    Defect(
        "does not tell its watchers about changes",
        """
from simulator.io.watches import Watches
notify_all = Watches.notify_all
def deaf(self, account):
    if self._agent.dialect.server != "Connect-Server/9":
        notify_all(self, account)
Watches.notify_all = deaf
from simulator.io import user
user.DEADLINE = 0.5
user.Watch.expect.__kwdefaults__["within"] = 0.5
""",
        frozenset(
            {
                "presence/partner-sees-user[open]",
                "presence/partner-sees-user[direct]",
                "presence/watching-ends",
            }
        ),
        ("expected to see sip:alice@acme.test as busy",),
    ),
)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name.replace(" ", "-"))
def test_defect_is_caught_by_the_scenarios_about_it(defect: Defect, run_with: RunWith) -> None:
    failures = run_with(defect.patch)

    assert set(failures) == defect.caught_by
    for words in defect.words:
        assert [text for text in failures.values() if words in text], words
