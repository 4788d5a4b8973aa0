"""A simulated federated organisation: its SIP domain, its edge, its policy and its users."""

from __future__ import annotations

from simulator.partner.edge import Edge, TlsRefusal
from simulator.partner.external_access import ExternalAccess
from simulator.partner.log import EdgeLogEntry
from simulator.partner.partner import Partner, Tenant
from simulator.partner.personas import (
    FAILURES,
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
from simulator.partner.policy import FederationPolicy, HostingProvider, Proxy
from simulator.partner.rules import EdgeRules, Policy
from simulator.partner.tenant_policy import TenantPolicy

__all__ = [
    "FAILURES",
    "GENERIC",
    "PERSONAS",
    "SFB_2015",
    "SFB_2019",
    "SFB_SE",
    "TEAMS",
    "Answer",
    "Edge",
    "EdgeLogEntry",
    "EdgeRules",
    "ExternalAccess",
    "FederationPolicy",
    "HostingProvider",
    "Partner",
    "Persona",
    "Policy",
    "Proxy",
    "Tenant",
    "TenantPolicy",
    "TlsRefusal",
    "persona_named",
    "personas",
    "register",
    "unregister",
]
