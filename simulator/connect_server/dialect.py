"""How the Connect Server writes its SIP: plain RFC SIMPLE, by sessions or by page mode as its partner does."""

from __future__ import annotations

from typing import Final

from simulator.chat.composing import IS_COMPOSING
from simulator.io.dialect import Dialect
from simulator.io.renewal import RetryRules

DIALECT: Final = Dialect(
    user_agent="Connect-Server/9",
    server="Connect-Server/9",
    required_ok=("timer",),
    im="as-peer",
    accept_types=("text/plain", IS_COMPOSING),
    consumes=False,
    session_timer=True,
    renewal=RetryRules(),
)
