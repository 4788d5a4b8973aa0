"""How a test becomes a scenario of the catalogue, and how tables of cases are written as data."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

import pytest

from simulator.scenarios.grades import Graded, Outcomes, graded

Level = Literal["must", "should", "info"]
"""How binding a scenario is: a requirement, a recommendation, or something only worth knowing."""

LEVELS: tuple[Level, ...] = get_args(Level)

MARKER = "scenario"

_Test = TypeVar("_Test", bound=Callable[..., Any])


def scenario(
    *,
    level: Level,
    sources: Sequence[str],
    needs: Sequence[str] = (),
    outcomes: Outcomes | None = None,
    persona: str | None = None,
) -> Callable[[_Test], _Test]:
    """Mark a test function as a scenario of the catalogue.

    `sources` are the ids that the scenario rests on (`R40`, `F1.22`, `RFC 5922 §7.1`); at least one. `needs` names the
    capabilities that a server under test must have, or the scenario does not run. The scenario's sentence is the first
    line of the function's docstring, its id comes from the names of module and function: `test_no_srv` in
    `test_open_federation.py` is `open-federation/no-srv`. The persona that it is about is its parameter `persona`; one
    without that parameter may name it here.

    Where the sources disagree, `outcomes` lists what may happen, each with its grade, and the test says in one line
    which one did::

        @scenario(level="should", sources=("R8", "F1.20"), needs=NEEDS, outcomes={
            "delivered": "ok",
            "failed": ("tolerable", "RFC 2782 forbids an alias as SRV target."),
        })
        def test_cname_target(federation: Federation) -> None:
            '''An SRV target that is an alias is followed.'''
            ...
            happened(alice.chat_with(bob).say("Hello?"))

    Raises ValueError when the level is unknown or no source is given, so a mistake shows when the module is collected.
    """
    _check_level(level)
    _check_tuples(sources, needs)
    if not sources:
        raise ValueError("a scenario cites at least one source")
    mark = pytest.mark.scenario(
        level=level, sources=tuple(sources), needs=tuple(needs), outcomes=graded(outcomes or {}), persona=persona
    )

    def apply(test: _Test) -> _Test:
        marked: _Test = mark(test)
        return marked

    return apply


@dataclass(frozen=True, slots=True, init=False)
class Case:
    """One row of a table of cases; what it leaves out is the scenario's own.

    `Case("wildcard", "wildcard", sources=("R57",))` gives the scenario the id `…[wildcard]`, the argument `wildcard`
    and one source more.
    """

    id: str
    "What stands in brackets behind the scenario's name."
    values: tuple[object, ...]
    "The arguments of the test, in the order in which `cases` names them; the id itself when there are none."
    terms: dict[str, Any]
    "What differs from the scenario: level and sentence instead of its own, sources and needs besides its own."

    def __init__(
        self,
        id: str,  # noqa: A002 - pytest's own word for it
        *values: object,
        level: Level | None = None,
        sources: Sequence[str] = (),
        needs: Sequence[str] = (),
        sentence: str = "",
        words: str = "",
        outcomes: Outcomes | None = None,
    ) -> None:
        """`sentence` stands instead of the docstring's first line; `words` is what `{argument}` in that line becomes,
        for the first argument, where its value says too little. `outcomes` replace those of the scenario."""
        if level is not None:
            _check_level(level)
        _check_tuples(sources, needs)
        terms = {"level": level, "sources": tuple(sources), "needs": tuple(needs), "sentence": sentence, "words": words}
        object.__setattr__(self, "id", id)
        object.__setattr__(self, "values", values or (id,))
        object.__setattr__(self, "terms", {**terms, "outcomes": graded(outcomes or {})})


def cases(arguments: str, *table: Case | str) -> pytest.MarkDecorator:
    """Run a scenario once for every row; several of these on one scenario make their product.

    `arguments` names the test's arguments as `pytest.mark.parametrize` does: `"certificate, role"`. A row that is only
    a text is a case whose id and argument are that text. In the docstring's first line, `{certificate}` becomes the
    case's words or value.
    """
    names = [name.strip() for name in arguments.split(",")]
    rows = [row if isinstance(row, Case) else Case(row) for row in table]
    for row in rows:
        if len(row.values) != len(names):
            raise ValueError(f"case {row.id!r} has {len(row.values)} values for {len(names)} arguments: {arguments}")
    marks = [pytest.mark.scenario(**row.terms, argument=names[0]) for row in rows]
    parameters = [pytest.param(*row.values, id=row.id, marks=mark) for row, mark in zip(rows, marks, strict=True)]
    return pytest.mark.parametrize(names, parameters)


_PLACEHOLDERS = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What the marks of a test and its case say together."""

    level: object
    "Of the case, if it has one."
    sources: tuple[str, ...]
    "Of the scenario, then of its cases."
    needs: tuple[str, ...]
    "Likewise."
    outcomes: tuple[Graded, ...]
    "Of the case, if it has any."
    persona: str | None
    "Which product the partner speaks like; None when the scenario is about none in particular."
    sentence: str
    "The first line of the docstring, or the case's own, with its placeholders filled; empty when there is none."
    unfilled: tuple[str, ...] = ()
    "Placeholders that name no argument of the test: a mistake."

    @classmethod
    def of(cls, item: pytest.Item) -> Terms | None:
        """Read a collected test; None when it is no scenario."""
        marks = [mark.kwargs for mark in item.iter_markers(MARKER)]
        own = next((mark for mark in marks if "argument" not in mark), None)
        if own is None:
            return None
        rows = [mark for mark in marks if "argument" in mark]
        values: dict[str, object] = dict(getattr(getattr(item, "callspec", None), "params", {}))
        words = {row["argument"]: row["words"] for row in rows if row["words"]}
        sentence = next((row["sentence"] for row in rows if row["sentence"]), "") or _first_line(item)
        names = _PLACEHOLDERS.findall(sentence) if "{" in sentence else ()
        for name in names:
            if name in values:
                sentence = sentence.replace(f"{{{name}}}", words.get(name, _said(values[name])))
        return cls(
            level=next((row["level"] for row in rows if row["level"]), own.get("level")),
            sources=_union(mark.get("sources", ()) for mark in (own, *rows)),
            needs=_union(mark.get("needs", ()) for mark in (own, *rows)),
            outcomes=next((row["outcomes"] for row in rows if row["outcomes"]), own.get("outcomes", ())),
            persona=_said(values["persona"]) if "persona" in values else own.get("persona"),
            sentence=sentence,
            unfilled=tuple(name for name in names if name not in values),
        )


def _first_line(item: pytest.Item) -> str:
    lines = (getattr(getattr(item, "function", None), "__doc__", None) or "").strip().splitlines()
    return lines[0] if lines else ""


def _said(value: object) -> str:
    return str(getattr(value, "name", value))


def _union(lists: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for some in lists for one in some))


def _check_level(level: object) -> None:
    if level not in LEVELS:
        raise ValueError(f"{level!r} is no level of a scenario; the levels are {', '.join(LEVELS)}")


def _check_tuples(*lists: Sequence[str]) -> None:
    if any(isinstance(some, str) for some in lists):
        raise ValueError('sources and needs are tuples of ids: write ("R40",), with the comma')
