"""`sipfed personas`: which products a partner can speak like, and every switch of each."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING

import click

from simulator.cli.group import main

if TYPE_CHECKING:
    from simulator.partner.personas import Persona

PARTS = {
    "dialect": "how it writes SIP",
    "discovery": "how it finds its peers",
    "rules": "what it asks of certificates",
    "links": "how its edge uses connections",
    "edge": "how its edge checks senders and limits strangers",
    "answers": "what it answers to each failure",
}
WIDTH = 100
MARKS = """How sure a value is: spec, doc, trace = read in a specification, in vendor documentation, in a capture;
memory, inference = remembered or concluded; choice = this simulator's; own = set by whoever derived the persona."""


@main.command(short_help="List the personas, or every switch of one.")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def personas(name: str | None, as_json: bool) -> None:
    """List the personas, or every switch of the persona NAME: its value, how sure that is, and what it means.

    A switch is changed with `but`, as in `federation.partner(SFB_2019.but(name_rule=False))`.
    """
    from simulator.partner.personas import persona_named, personas

    shown = [persona_named(name)] if name else list(personas().values())
    if as_json:
        described = [_described(persona, switches=name is not None) for persona in shown]
        click.echo(json.dumps(described[0] if name else described, indent=2))
    elif name:
        _write(shown[0])
    else:
        _write_list(shown)


def _write_list(known: Iterable[Persona]) -> None:
    known = list(known)
    width = max(len(persona.name) for persona in known)
    for persona in known:
        click.echo(f"{persona.name:<{width}}  {persona.about}")
    click.echo("\n`sipfed personas NAME` shows the switches of one of them.")


def _write(persona: Persona) -> None:
    from simulator.partner.personas import switches_of

    click.echo(f"{persona.name}: {persona.about}")
    for part, switches in groupby(switches_of(persona), lambda switch: switch.part):
        click.secho(f"\n{part}: {PARTS[part]}", bold=True)
        for switch in switches:
            mark = f"  [{switch.mark}]" if switch.mark else ""
            click.echo(f"  {click.style(switch.name, bold=True)} = {switch.shown}{mark}")
            click.echo(click.wrap_text(switch.about, WIDTH, initial_indent="      ", subsequent_indent="      "))
    click.echo(f"\n{MARKS}")


def _described(persona: Persona, *, switches: bool) -> dict[str, object]:
    from simulator.partner.personas import switches_of

    head: dict[str, object] = {"name": persona.name, "about": persona.about, "policy": persona.policy}
    if switches:
        head["switches"] = [
            {
                "part": switch.part,
                "name": switch.name,
                "value": _plain(switch.value),
                "mark": switch.mark,
                "about": switch.about,
            }
            for switch in switches_of(persona)
        ]
    return head


def _plain(value: object) -> object:
    """What JSON can say."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {entry.name: _plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
