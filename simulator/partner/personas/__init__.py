"""Which product a partner speaks like: data, one value per habit."""

from __future__ import annotations

from simulator.errors import ConfigurationError, Problem
from simulator.partner.personas.persona import Persona
from simulator.partner.personas.sfb import SFB_2019

PERSONAS: dict[str, Persona] = {persona.name: persona for persona in (SFB_2019,)}
"""Every shipped persona by its name."""


def persona_named(name: str) -> Persona:
    """The shipped persona called `name`; ConfigurationError with the known names when there is none."""
    try:
        return PERSONAS[name]
    except KeyError:
        known = ", ".join(sorted(PERSONAS))
        raise ConfigurationError([Problem("persona", f"there is no {name!r}; there are: {known}")]) from None


__all__ = ["PERSONAS", "SFB_2019", "Persona", "persona_named"]
