"""Faults in who may federate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.defects.frame import defect


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
