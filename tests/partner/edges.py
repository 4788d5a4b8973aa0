"""An edge without a network: its rules alone, for tests of what they decide."""

from __future__ import annotations

from simulator.clock import SystemClock
from simulator.evidence.recorder import Recorder
from simulator.names import SipDomain
from simulator.partner.log import EdgeLog
from simulator.partner.personas import SFB_2019, Persona
from simulator.partner.rules import EdgeRules, Policy

OWN = SipDomain.parse("fabrikam.test")


def rules_of(policy: Policy, persona: Persona = SFB_2019) -> EdgeRules:
    """The rules of an edge that serves fabrikam.test, where nobody has a contact."""
    clock = SystemClock()
    return EdgeRules(
        persona,
        {OWN: policy},
        fqdn=OWN.child("sip"),
        log=EdgeLog(Recorder(clock), str(OWN)),
        now=clock.now,
        is_contact=lambda _user, _remote: False,
    )
