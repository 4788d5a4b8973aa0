"""The files that are generated: `python -m tests.generated` writes them, test_generated.py keeps them true.

A test cites a requirement by its id in its docstring, as in "The name rule holds (R10, R20-R24, C14).", or with
`@pytest.mark.cites("R10")`. The ids are read from the source, because the tests are no part of the installed package
and `sipfed list --coverage` is.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from simulator.scenarios import statement
from simulator.scenarios.coverage import CITATIONS
from simulator.scenarios.page import catalogue_page
from simulator.scenarios.runner import CATALOGUE
from simulator.scenarios.selection import collect
from simulator.scenarios.sources import requirements

ROOT = Path(__file__).parents[1]

_CITED = re.compile(r"\b([RC])(\d+)(?:[-–]\1(\d+))?\b")
_Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def citations(folder: Path = ROOT / "tests") -> str:
    """The tests that cite each requirement, as JSON."""
    found: dict[str, list[str]] = {identifier: [] for identifier in requirements()}
    for path in sorted(folder.rglob("test_*.py")):
        place = path.relative_to(folder.parent).as_posix()
        for test, identifiers in citing_tests(path.read_text(encoding="utf-8")):
            for identifier in identifiers:
                found[identifier].append(f"{place}::{test}")
    return json.dumps({one: tests for one, tests in found.items() if tests}, indent=2, ensure_ascii=False) + "\n"


def citing_tests(source: str) -> Iterator[tuple[str, list[str]]]:
    """The tests of a module that cite something, each with the ids; an id that there is not is a KeyError."""

    def below(node: ast.AST, outer: str) -> Iterator[tuple[str, list[str]]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, _Named) and child.name.lower().startswith("test"):
                name = f"{outer}{child.name}"
                if identifiers := _cited_by(child):
                    yield name, identifiers
                yield from below(child, f"{name}::")

    return below(ast.parse(source), "")


def _cited_by(test: _Named) -> list[str]:
    found = set(_ids(ast.get_docstring(test) or ""))
    for decorator in test.decorator_list:
        for node in ast.walk(decorator):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "cites":
                constants = [one.value for one in node.args if isinstance(one, ast.Constant)]
                found.update(one for one in constants if isinstance(one, str))
    known = requirements()
    if strange := sorted(found - set(known)):
        raise KeyError(f"{test.name} cites {', '.join(strange)}")
    return [one for one in known if one in found]


def _ids(text: str) -> Iterator[str]:
    for kind, first, last in _CITED.findall(text):
        yield from (f"{kind}{number}" for number in range(int(first), int(last or first) + 1))


FILES: dict[Path, Callable[[], str]] = {
    CATALOGUE / "README.md": lambda: catalogue_page(collect().scenarios),
    CITATIONS: citations,
    statement.SCHEMA: statement.schema,
}
"""What is generated, and from what."""


if __name__ == "__main__":
    for path, text in FILES.items():
        path.write_text(text(), encoding="utf-8", newline="\n")
