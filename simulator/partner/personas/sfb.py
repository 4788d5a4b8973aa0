"""Skype for Business Server, as the facts about its dialect, its discovery and its certificates say."""

from __future__ import annotations

from simulator import discovery, trust
from simulator.io.dialect import Dialect
from simulator.partner.personas.persona import Persona

SFB_2019 = Persona(
    name="sfb-2019",
    about="Skype for Business Server 2019: an edge with open and direct federation, IM by INVITE sessions",
    dialect=Dialect(
        user_agent="UCCAPI/16.0.4417.1000 OC/16.0.4417.1000 (Skype for Business)",
        server="RTC/7.0",
        supported=(
            "ms-dialog-route-set-update",
            "timer",
            "histinfo",
            "ms-safe-transfer",
            "ms-sender",
            "ms-early-media",
            "ms-conf-invite",
        ),
        allow=("INVITE", "BYE", "ACK", "CANCEL", "INFO", "MESSAGE", "UPDATE", "REFER", "NOTIFY", "BENOTIFY"),
        accept_types=(
            "text/plain",
            "multipart/alternative",
            "image/gif",
            "text/rtf",
            "text/html",
            "application/x-ms-ink",
            "application/ms-imdn+xml",
            "text/x-msmsgsinvite",
        ),
        presence_accept=("text/xml+msrtc.pidf", "application/xpidf+xml", "application/pidf+xml"),
        pidf_layout="rpid-status",
        subscription_seconds=28800,
        asks_for_expiry=False,
        epid=True,
        gruu_contact=True,
        record_routes=True,
        conversation_id=True,
    ),
    rules=trust.S4B,
    discovery=discovery.S4B,
)
