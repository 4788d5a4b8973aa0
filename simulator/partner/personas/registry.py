"""Personas by name: the shipped ones, those of installed packages, and those that a test suite registers."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Final

from simulator.errors import ConfigurationError, Problem
from simulator.partner.personas.generic import GENERIC
from simulator.partner.personas.persona import Persona
from simulator.partner.personas.sfb import SFB_2015, SFB_2019, SFB_SE
from simulator.partner.personas.teams import TEAMS

GROUP: Final = "sipfed.personas"
"The group of entry points under which an installed package offers personas of its own, one a name."
SHIPPED: Final = (SFB_2015, SFB_2019, SFB_SE, TEAMS, GENERIC)

_known: Final[dict[str, Persona]] = {persona.name: persona for persona in SHIPPED}
_seen_entry_points: Final[set[str]] = set()

PERSONAS: Final[Mapping[str, Persona]] = MappingProxyType(_known)
"""Every persona that is known now, by its name; `personas()` looks among the installed packages first."""


def register(persona: Persona) -> Persona:
    """Make `persona` known by its name, for `persona="acme-variant"` and `sipfed personas`; gives it back.

    Raises ConfigurationError for a name that another persona has. Registering the same one twice does no harm.
    """
    known = _known.get(persona.name)
    if known is not None and known != persona:
        message = f"there is another persona {persona.name!r}; derive yours with but(name=…)"
        raise ConfigurationError([Problem("persona", message)])
    _known[persona.name] = persona
    return persona


def unregister(name: str) -> None:
    """Forget a registered persona; the shipped ones stay."""
    if name not in {persona.name for persona in SHIPPED}:
        _known.pop(name, None)


def personas() -> Mapping[str, Persona]:
    """Every persona by its name, those of installed packages included."""
    for entry_point in entry_points(group=GROUP):
        if entry_point.name not in _seen_entry_points:
            _seen_entry_points.add(entry_point.name)
            place = f"entry point {entry_point.name} of {GROUP}"
            try:
                offered = entry_point.load()
            except (ImportError, AttributeError) as error:
                raise ConfigurationError([Problem(place, f"{entry_point.value} cannot be loaded: {error}")]) from error
            if not isinstance(offered, Persona):
                raise ConfigurationError([Problem(place, f"{entry_point.value} is no Persona")])
            register(offered)
    return PERSONAS


def persona_named(name: str) -> Persona:
    """The persona called `name`; ConfigurationError with the known names when there is none."""
    found = _known.get(name) or personas().get(name)
    if found is not None:
        return found
    near = get_close_matches(name, _known, n=1)
    known = ", ".join(sorted(_known))
    advice = f"did you mean {near[0]!r}? There are" if near else "there are"
    raise ConfigurationError([Problem("persona", f"there is no {name!r}; {advice}: {known}")])
