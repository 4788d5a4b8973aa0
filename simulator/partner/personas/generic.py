"""A partner of no particular product, as the RFCs describe one (RFC 3261, 3428, 3856, 3863, 3994, 4480, 5922)."""

from __future__ import annotations

from dataclasses import fields
from typing import Final

from simulator import trust
from simulator.discovery import DiscoveryRules
from simulator.io.dialect import Dialect
from simulator.partner.personas.answers import Answer, FailureAnswers
from simulator.partner.personas.habits import RFC, EdgeHabits
from simulator.partner.personas.persona import PARTS, Persona

TIME_OUT: Final = Answer(504, "Server Time-out")
FORBIDDEN: Final = Answer(403, "Forbidden")

GENERIC = Persona(
    name="generic",
    about="Plain SIMPLE: page-mode MESSAGE, PIDF and isComposing as in the RFCs, and no header of Microsoft's",
    dialect=Dialect(
        user_agent="",
        server="",
        allow=("INVITE", "ACK", "BYE", "CANCEL", "MESSAGE", "UPDATE", "SUBSCRIBE", "NOTIFY", "OPTIONS"),
        accept_types=("text/plain", "application/im-iscomposing+xml"),
        presence_accept=("application/pidf+xml",),
        pidf_layout="rfc4480",
        subscription_seconds=3600,
        pending_status=200,
        im="page",
        consumes=False,
        confirmation="never",
        composing="iscomposing",
        session_timer=True,
        required_ok=("timer",),
    ),
    rules=trust.Rules(cn_fallback=True, require_eku="none"),
    discovery=DiscoveryRules(),
    links=RFC,
    edge=EdgeHabits(header_capitals_in_probe=False, mark_verified=False, result_codes=False),
    answers=FailureAnswers(
        no_srv=TIME_OUT,
        no_match=TIME_OUT,
        no_address=TIME_OUT,
        no_connection=TIME_OUT,
        no_tls=TIME_OUT,
        no_reason=Answer(0, ""),
        certificate=FORBIDDEN,
        source_domain=FORBIDDEN,
        domain_blocked=FORBIDDEN,
        user_not_enabled=FORBIDDEN,
        unknown_user=Answer(404, "Not Found"),
        same_conversation=Answer(488, "Not Acceptable Here"),
        unverified_sender=FORBIDDEN,
        too_many_contacts=FORBIDDEN,
        filtered=Answer(606, "Not Acceptable"),
        method=Answer(405, "Method Not Allowed"),
        route_set=Answer(481, "Call Leg/Transaction Does Not Exist"),
    ),
    marks={switch.name: "choice" for kind in PARTS.values() for switch in fields(kind)},
)
