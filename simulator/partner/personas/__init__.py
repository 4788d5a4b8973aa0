"""Which product a partner speaks like: data, one value per habit."""

from __future__ import annotations

from simulator.partner.personas.answers import FAILURES, Answer, FailureAnswers
from simulator.partner.personas.generic import GENERIC
from simulator.partner.personas.habits import EdgeHabits
from simulator.partner.personas.persona import Mark, Persona
from simulator.partner.personas.registry import PERSONAS, persona_named, personas, register, unregister
from simulator.partner.personas.sfb import SFB_2015, SFB_2019, SFB_SE
from simulator.partner.personas.switches import Switch, switches_of
from simulator.partner.personas.teams import TEAMS

__all__ = [
    "FAILURES",
    "GENERIC",
    "PERSONAS",
    "SFB_2015",
    "SFB_2019",
    "SFB_SE",
    "TEAMS",
    "Answer",
    "EdgeHabits",
    "FailureAnswers",
    "Mark",
    "Persona",
    "Switch",
    "persona_named",
    "personas",
    "register",
    "switches_of",
    "unregister",
]
