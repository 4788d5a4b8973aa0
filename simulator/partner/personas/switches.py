"""The switches of a persona with what they mean, read from the text that stands under each of them in the source."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import cast, get_args

from simulator.partner.personas.persona import PARTS, Mark, Persona

_MARK = re.compile(rf"\s*\[({'|'.join(get_args(Mark))})\](?=\.?$)")


@dataclass(frozen=True, slots=True)
class Switch:
    """One value of a persona."""

    part: str
    "The part of the persona it belongs to: `dialect`, `discovery`, `rules`, `links`, `edge` or `answers`."
    name: str
    "As `Persona.but` takes it."
    value: object
    "What it is set to."
    mark: Mark | None
    "How sure that is; None where nothing says so."
    about: str
    "What it means, in a sentence or two."

    @property
    def shown(self) -> str:
        """The value in a line for people."""
        return _shown(self.value)


def switches_of(persona: Persona) -> list[Switch]:
    """Every switch of `persona`, in the order in which the parts are written."""
    found = []
    for part, name, value in persona.values():
        about, mark = _explained(PARTS[part])[name]
        found.append(Switch(part, name, value, persona.marks.get(name, mark), about))
    return found


@cache
def _explained(kind: type) -> dict[str, tuple[str, Mark | None]]:
    """The text under each field of a dataclass, those of its bases too, and the mark at its end."""
    found: dict[str, tuple[str, Mark | None]] = {}
    for part in reversed(kind.__mro__[:-1]):
        found |= _explained_in(part)
    return found


def _explained_in(kind: type) -> dict[str, tuple[str, Mark | None]]:
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, tuple[str, Mark | None]] = {}
    for statement, following in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            found[statement.target.id] = _text_and_mark(_literal(following))
    return found


def _literal(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return inspect.cleandoc(str(statement.value.value)).replace("\n", " ")
    return ""


def _text_and_mark(text: str) -> tuple[str, Mark | None]:
    match = _MARK.search(text)
    if match is None:
        return text, None
    return _MARK.sub("", text), cast("Mark", match[1])


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset | set):
        return ", ".join(sorted(map(str, value))) or "none"
    if isinstance(value, tuple | list):
        return ", ".join(map(_shown, value)) or "none"
    if value is None:
        return "none"
    return str(value) if str(value) else "(empty)"
