"""Faults in what the server makes of certificates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.defects.frame import defect


@defect(
    caught_by=(
        "trust/refused-as-the-dialled-server[wildcard]",
        "trust/refused-as-the-dialling-client[wildcard]",
    ),
    says=("never sent a message", "certificate: *.fabrikam", "Expected a failure, but the message"),
)
def accepts_wildcard(patch: pytest.MonkeyPatch) -> None:
    """The server accepts a wildcard certificate."""
    from simulator.connect_server import ways

    patch.setattr(ways, "PEER_RULES", replace(ways.PEER_RULES, wildcard_ok=True))


@defect(
    caught_by=("trust/refused-as-the-dialling-client[wrong-name]", "discovery/sender-whose-domain-has-no-srv"),
    also=("discovery",),
    says=("over a connection with a certificate for another name is not delivered",),
)
def believes_senders(patch: pytest.MonkeyPatch) -> None:
    """The server believes whatever domain a sender claims."""
    from simulator.connect_server.server import ConnectServer
    from simulator.io.admission import Admission

    checked = Admission._refusal_for

    async def believe(self: Any, link: Any, way: Any) -> Any:
        return () if isinstance(self._agent.peering, ConnectServer) else await checked(self, link, way)

    patch.setattr(Admission, "_refusal_for", believe)
