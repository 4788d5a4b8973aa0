"""Faults in the presence that the server shows and sees."""

from __future__ import annotations

from typing import Any

import pytest

from tests.defects.frame import defect


@defect(
    caught_by=("presence/partner-sees-user[open]", "presence/partner-sees-user[direct]", "presence/watching-ends"),
    says=("expected to see sip:alice@acme.test as busy",),
)
def tells_no_changes(patch: pytest.MonkeyPatch) -> None:
    """The server does not tell its watchers about changes."""
    from simulator.io.watches import Watches

    notify_all = Watches.notify_all

    def deaf(self: Any, account: Any) -> None:
        if self._agent.dialect.server != "Connect-Server/9":
            notify_all(self, account)

    patch.setattr(Watches, "notify_all", deaf)
