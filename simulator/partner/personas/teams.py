"""Microsoft Teams, as a partner sees it: the edge of Microsoft 365 (discovery facts §3, dialect facts §6)."""

from __future__ import annotations

from dataclasses import replace

from simulator import discovery, trust
from simulator.chat import sdp
from simulator.chat.formats import PLAIN_TEXT
from simulator.partner.personas.answers import NOT_FEDERATED, Answer, FailureAnswers
from simulator.partner.personas.persona import Persona
from simulator.partner.personas.sfb import MARKS, SFB_2019
from simulator.presence import TEAMS as TEAMS_MAPPING

TEAMS = Persona(
    name="teams",
    about="Microsoft Teams: many tenants behind one edge that is in no tenant's domain; text only",
    dialect=replace(
        SFB_2019.dialect,
        user_agent="RTCC/7.0.0.0",
        server="RTC/7.0",
        accept_types=("text/plain",),
        formats=(PLAIN_TEXT,),
        embeds=(PLAIN_TEXT,),
        composing=None,
        presence_mapping=TEAMS_MAPPING,
        sdp_type=sdp.CALL_TYPE_IM,
    ),
    rules=trust.S4B,
    discovery=replace(discovery.S4B, hosting_providers=frozenset()),
    answers=FailureAnswers(domain_blocked=Answer(403, "Forbidden", NOT_FEDERATED)),
    policy="tenant",
    marks=MARKS
    | {
        "user_agent": "memory",
        "server": "trace",
        "accept_types": "doc",
        "formats": "doc",
        "embeds": "inference",
        "embed_limit": "memory",
        "composing": "memory",
        "presence_mapping": "memory",
        "presence_accept": "memory",
        "category_list": "memory",
        "benotify": "memory",
        "piggyback": "memory",
        "autoextend": "memory",
        "sdp_type": "inference",
        "subscription_seconds": "memory",
        "name_rule": "inference",
        "tls_minimum": "memory",
        "tls_maximum": "inference",
        "connections": "inference",
    },
)
