"""Reads a TOML file into pydantic tables; every mistake comes back with its line and what to write instead."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from simulator.errors import ConfigurationError, Problem
from simulator.toml import places
from simulator.toml.values import shown

Mistake = tuple[places.Path, str]
"Where it is, and the sentence."
ANY: Final = "*"
"Stands for the name of a table that the author of the file chooses, as in [users.alice]."

_TOML_ERROR = re.compile(
    r"(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.DOTALL
)


class Table(BaseModel):
    """A table of a settings file; what it does not name is a mistake."""

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)


T = TypeVar("T", bound=Table)


def read(
    path: Path,
    model: type[T],
    check: Callable[[dict[str, Any]], Iterable[Mistake]] = lambda _document: (),
    then: Callable[[T], Iterable[Mistake]] = lambda _tables: (),
) -> T:
    """The tables of the file at `path`; file names in it are relative to its own folder.

    `check` finds what no single value shows; it gets the document as it stands and must bear any shape of it. `then`
    looks further once there are tables without a mistake.
    Raises ConfigurationError with every mistake, from the top of the file to its end.
    """
    text = _text_of(path)
    document = _parse(path, text)
    where = places.lines(text)
    shape = Shape(model)
    mistakes: list[Mistake] = []
    tables = None
    try:
        tables = model.model_validate(document, context=path.parent)
    except ValidationError as error:
        mistakes += [shape.explain(detail) for detail in error.errors(include_url=False)]
    mistakes += check(document)
    if tables is not None and not mistakes:
        mistakes += then(tables)
    if tables is None or mistakes:
        raise ConfigurationError([_placed(path, where, *mistake) for mistake in _in_order(where, mistakes)])
    return tables


def tables_in(value: object) -> Iterator[tuple[int, dict[str, Any]]]:
    """The tables of an array with their indexes, as far as the value is an array and its items are tables."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield index, item


class Shape:
    """Which tables and arrays of tables a model has, and so what to write where something is missing or wrong."""

    def __init__(self, model: type[Table]) -> None:
        self.tables: dict[tuple[str, ...], type[Table]] = {}
        "Every table by its path, without the indexes of arrays."
        self.arrays: set[tuple[str, ...]] = set()
        "Which of them are arrays of tables."
        self._collect((), model)

    def explain(self, detail: ErrorDetails) -> Mistake:
        """A mistake that pydantic found: where, and a sentence of what to write instead."""
        where = detail["loc"]
        table = self._known(tuple(str(part) for part in where[:-1] if isinstance(part, str)))
        match detail["type"]:
            case "missing":
                return where, f"It is missing; {self._how_to_write(where)}."
            case "extra_forbidden":
                return where, self._unknown(table, str(where[-1]))
            case "value_error":
                return where, str(detail["ctx"]["error"])
            case "list_type":
                what = "a list of tables" if self._names(where) in self.arrays else "a list"
                return where, f"{shown(detail['input'])} stands where {what} is needed; {self._how_to_write(where)}."
            case _:
                return where, f"{shown(detail['input'])} stands where a table is needed; {self._how_to_write(where)}."

    def _collect(self, path: tuple[str, ...], model: type[Table]) -> None:
        self.tables[path] = model
        for name, field in model.model_fields.items():
            for inner, kind in _tables_of(field.annotation):
                below = (*path, name, ANY) if kind is dict else (*path, name)
                if kind is list:
                    self.arrays.add(below)
                self._collect(below, inner)

    def _known(self, path: tuple[str, ...]) -> tuple[str, ...]:
        """The path as `tables` has it, with ANY where the author of the file chose the name."""
        known: tuple[str, ...] = ()
        for part in path:
            if (*known, ANY) in self.tables and (*known, part) not in self.tables:
                known = (*known, ANY)
            else:
                known = (*known, part)
        return known

    def _names(self, where: places.Path) -> tuple[str, ...]:
        return tuple(part for part in where if isinstance(part, str))

    def _how_to_write(self, where: places.Path) -> str:
        names = self._names(where)
        known = self._known(names)
        if known in self.arrays:
            return f"begin each with a line [[{'.'.join(names)}]]"
        if known in self.tables:
            return f"write a line [{'.'.join(names)}] and its settings below it"
        if (*known, ANY) in self.tables:
            return f"begin each with a line [{'.'.join(names)}.NAME]"
        return f"write {names[-1]} = ... {self._in_table(names[:-1])}"

    def _in_table(self, table: tuple[str, ...]) -> str:
        if not table:
            return "above the first table"
        is_array = self._known(table) in self.arrays
        return f"in the table [[{'.'.join(table)}]]" if is_array else f"in the table [{'.'.join(table)}]"

    def _unknown(self, table: tuple[str, ...], key: str) -> str:
        """A key that is not known here: one that belongs elsewhere, or a near miss."""
        known = self.tables[table].model_fields
        for other, model in self.tables.items():
            if key in model.model_fields:
                named = tuple("NAME" if part == ANY else part for part in other)
                return f"There is no such setting here; {self._how_to_write((*named, key))}."
        near = difflib.get_close_matches(key.lower().replace("-", "_"), known, n=1, cutoff=0.6)
        if near:
            return f"There is no such setting; did you mean {near[0]}?"
        return f"There is no such setting; known here are {', '.join(known)}."


def _tables_of(annotation: Any) -> Iterator[tuple[type[Table], type]]:
    """The tables that a field holds, and whether alone (Table), in a list or in a dict by name."""
    if isinstance(annotation, type) and issubclass(annotation, Table):
        yield annotation, Table
        return
    origin = get_origin(annotation)
    for argument in get_args(annotation):
        for inner, kind in _tables_of(argument):
            yield inner, origin if origin in (list, dict) else kind


def _text_of(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigurationError(
            [Problem(f"{path}, line {line}", "This is not UTF-8; save the file as UTF-8.")]
        ) from error
    except OSError as error:
        raise ConfigurationError(
            [Problem(str(path), f"The file cannot be read: {error.strerror or error}.")]
        ) from error


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _TOML_ERROR.fullmatch(str(error))
        what = match["what"] if match else str(error)
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
        if match and match["line"]:
            line, column = int(match["line"]), int(match["column"])
        problem = Problem(f"{path}, line {line}, column {column}", f"This is no TOML: {what}.")
        raise ConfigurationError([problem]) from error
    except RecursionError as error:
        raise ConfigurationError([Problem(str(path), "The arrays or tables are nested too deeply.")]) from error


def _placed(path: Path, lines: dict[places.Path, int], where: places.Path, message: str) -> Problem:
    line = places.line_of(lines, where)
    parts = [str(path), *([f"line {line}"] if line is not None else []), places.spell(where)]
    return Problem(", ".join(part for part in parts if part), message)


def _in_order(lines: dict[places.Path, int], mistakes: list[Mistake]) -> list[Mistake]:
    """From the top of the file to its end; what is missing altogether comes first."""
    return sorted(mistakes, key=lambda mistake: places.line_of(lines, mistake[0]) or 0)
