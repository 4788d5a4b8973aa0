"""A simulated federated organisation: its SIP domain, its edge, its policy and its users."""

from __future__ import annotations

from simulator.partner.edge import Edge, TlsRefusal
from simulator.partner.partner import Partner
from simulator.partner.personas import PERSONAS, SFB_2019, Persona, persona_named
from simulator.partner.policy import FederationPolicy, Proxy

__all__ = [
    "PERSONAS",
    "SFB_2019",
    "Edge",
    "FederationPolicy",
    "Partner",
    "Persona",
    "Proxy",
    "TlsRefusal",
    "persona_named",
]
