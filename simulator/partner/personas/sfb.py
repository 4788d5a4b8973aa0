"""Skype for Business Server, as the facts about its dialect, its discovery and its certificates say."""

from __future__ import annotations

from typing import Final

from simulator import discovery, trust
from simulator.io.dialect import Dialect
from simulator.partner.personas.persona import Mark, Persona

MARKS: Final[dict[str, Mark]] = {
    "user_agent": "trace",
    "server": "memory",
    "supported": "trace",
    "allow": "trace",
    "accept_types": "trace",
    "presence_accept": "spec",
    "pidf_layout": "memory",
    "subscription_seconds": "spec",
    "asks_for_expiry": "trace",
    "epid": "trace",
    "gruu_contact": "trace",
    "record_routes": "spec",
    "conversation_id": "trace",
    "name_rule": "trace",
    "equal_ok": "inference",
    "hosting_providers": "doc",
    "srv_port": "inference",
    "failover": "inference",
    "follow_cname": "inference",
    "families": "doc",
    "cache": "choice",
    "seed": "choice",
    "wildcard_ok": "doc",
    "cn_fallback": "trace",
    "sip_uri": "inference",
    "require_eku": "doc",
    "min_rsa_bits": "doc",
    "min_ec_bits": "inference",
    "key_kinds": "inference",
    "pss_ok": "doc",
    "require_crl_point": "inference",
    "revocation": "inference",
    "short_lived_exempt": "inference",
}
"""What the facts say of the values below, switch by switch, where the switch itself does not say it."""

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
    marks=MARKS,
)

SFB_2015 = SFB_2019.but(
    name="sfb-2015",
    about="Skype for Business Server 2015: the same, with no TLS newer than 1.2",
    user_agent="UCCAPI/15.0.4971.1000 OC/15.0.4971.1000 (Skype for Business)",
    server="RTC/6.0",
    tls_minimum="TLSv1",
    tls_maximum="TLSv1.2",
    marks={"user_agent": "trace", "server": "trace", "tls_minimum": "doc", "tls_maximum": "doc"},
)

SFB_SE = SFB_2019.but(
    name="sfb-se",
    about="Skype for Business Server Subscription Edition: the successor of 2019, an update in place",
    marks={"server": "inference", "user_agent": "inference"},
)
