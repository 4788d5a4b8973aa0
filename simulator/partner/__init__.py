"""A simulated federated organisation: its SIP domain, its edge, its policy and its users."""

from __future__ import annotations

from simulator.partner.edge import Edge, TlsRefusal
from simulator.partner.partner import Partner
from simulator.partner.personas import (
    GENERIC,
    PERSONAS,
    SFB_2015,
    SFB_2019,
    SFB_SE,
    TEAMS,
    Answer,
    Persona,
    persona_named,
    personas,
    register,
    unregister,
)
from simulator.partner.policy import FederationPolicy, Proxy

__all__ = [
    "GENERIC",
    "PERSONAS",
    "SFB_2015",
    "SFB_2019",
    "SFB_SE",
    "TEAMS",
    "Answer",
    "Edge",
    "FederationPolicy",
    "Partner",
    "Persona",
    "Proxy",
    "TlsRefusal",
    "persona_named",
    "personas",
    "register",
    "unregister",
]
