"""Faults in static routes and their switches."""

from __future__ import annotations

from typing import Any

import pytest

from tests.defects.frame import defect


@defect(
    caught_by=("routes/one-switched-off-another-still-works", "routes/switched-off-while-connected"),
    says=("Switching a route off", "200 OK (MESSAGE)"),
)
def ignores_the_switch(patch: pytest.MonkeyPatch) -> None:
    """The server uses a route although it is switched off."""
    from simulator.connect_server.settings import StaticRoutes

    def first(self: Any, domain: Any) -> Any:
        return next((route for route in self.routes if self.enabled and route.domain == domain), None)

    patch.setattr(StaticRoutes, "route_to", first)
