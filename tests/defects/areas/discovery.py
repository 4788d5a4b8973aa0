"""Faults in how the server finds its partners."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.defects.frame import defect


@defect(
    caught_by=("discovery/open-federation-off-outbound", "discovery/open-federation-off-inbound"),
    says=("With open federation switched off", "Hello?"),
)
def ignores_the_switch(patch: pytest.MonkeyPatch) -> None:
    """The server looks partners up although open federation is switched off."""
    from simulator.connect_server.server import ConnectServer
    from simulator.io.peering import NotFederated, OpenWay

    way_to = ConnectServer.way_to

    def open_to_all(self: Any, domain: Any, user: Any = "") -> Any:
        try:
            return way_to(self, domain, user)
        except NotFederated as error:
            if "open federation is switched off" not in str(error):
                raise
            return OpenWay(domain)

    patch.setattr(ConnectServer, "way_to", open_to_all)


@defect(
    caught_by=("discovery/target-outside-the-partners-domain",),
    says=("as every Teams tenant has one",),
)
def applies_the_name_rule_to_partners(patch: pytest.MonkeyPatch) -> None:
    """The server demands that a partner's SRV target lies in the partner's domain, and so loses every Teams tenant."""
    from simulator.connect_server.server import ConnectServer
    from simulator.io.peering import OpenWay

    way_to = ConnectServer.way_to

    def strict(self: Any, domain: Any, user: Any = "") -> Any:
        way = way_to(self, domain, user)
        return replace(way, rules=replace(way.rules, name_rule=True)) if isinstance(way, OpenWay) else way

    patch.setattr(ConnectServer, "way_to", strict)
