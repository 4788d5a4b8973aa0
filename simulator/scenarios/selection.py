"""What the catalogue holds, and which of it a user's selectors mean."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from simulator.errors import ConfigurationError, Problem, SipfedError
from simulator.scenarios import LEVELS, Level
from simulator.scenarios.grades import Graded
from simulator.scenarios.marking import Terms
from simulator.scenarios.runner import CATALOGUE, Watcher, run_pytest
from simulator.scenarios.sources import unknown
from simulator.sut.capabilities import CAPABILITIES


@dataclass(frozen=True, slots=True)
class Scenario:
    """One case of the catalogue."""

    area: str
    "What it is about: the module's name without `test_` and what follows `__`, with hyphens."
    name: str
    "What happens: the function's name without `test_`, with hyphens; a parametrised one ends in `[case]`."
    level: Level
    "How binding it is."
    sources: tuple[str, ...]
    "The requirements, facts and RFC sections that it rests on."
    needs: tuple[str, ...]
    "Capabilities without which the server under test cannot be asked."
    sentence: str
    "The first line of the docstring: what must be true."
    nodeid: str
    "What pytest calls it in its reports."
    argument: str
    "What to give pytest to run this one alone."
    persona: str | None = None
    "Which product the partner speaks like; None when it is about none in particular."
    outcomes: tuple[Graded, ...] = ()
    "What may happen, with grades, where more than one outcome is acceptable."

    @property
    def id(self) -> str:
        """What users call it: `area/name`."""
        return f"{self.area}/{self.name}"

    @property
    def family(self) -> str:
        """The id without the case in brackets."""
        return f"{self.area}/{self.name.partition('[')[0]}"

    @classmethod
    def from_item(cls, item: pytest.Item) -> Scenario:
        """Read a collected test; raises ConfigurationError with every mistake in its marks and its sentence."""
        terms = Terms.of(item)
        place = f"{item.path.name}: {item.name}"
        if terms is None:
            raise ConfigurationError([Problem(place, "every test of a catalogue is marked with @scenario(...).")])
        if problems := [Problem(place, mistake) for mistake in _mistakes(terms)]:
            raise ConfigurationError(problems)
        assert terms.level in LEVELS
        return cls(
            area=area_of(item.path),
            name=_spoken(item.name),
            level=terms.level,
            sources=terms.sources,
            needs=terms.needs,
            sentence=terms.sentence,
            nodeid=item.nodeid,
            argument=f"{item.path}::{item.nodeid.partition('::')[2]}",
            persona=terms.persona,
            outcomes=terms.outcomes,
        )

    @staticmethod
    def id_of(item: pytest.Item) -> str:
        """The id that a collected test has as a scenario, whether or not it is a proper one."""
        return f"{area_of(item.path)}/{_spoken(item.name)}"

    def as_json(self) -> dict[str, object]:
        """What `sipfed list --json` prints of it."""
        return {
            "id": self.id,
            "area": self.area,
            "name": self.name,
            "level": self.level,
            "sources": list(self.sources),
            "needs": list(self.needs),
            "sentence": self.sentence,
            "persona": self.persona,
            "outcomes": [{"outcome": one.outcome, "grade": one.grade, "why": one.why} for one in self.outcomes],
        }


@dataclass(frozen=True, slots=True)
class BrokenModule:
    """A module of the catalogue that could not be collected."""

    path: Path
    "Where it is."
    nodeid: str
    "What pytest calls it in its reports."
    reason: str
    "What pytest says about it, with the traceback."

    @property
    def area(self) -> str:
        """The area whose scenarios are missing because of it."""
        return area_of(self.path)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that can be run, in the order in which it runs."""

    folder: Path
    "Where the modules are."
    scenarios: tuple[Scenario, ...]
    "What was collected."
    broken: tuple[BrokenModule, ...] = ()
    "What could not be collected; a run that touches one of them fails."

    @property
    def areas(self) -> tuple[str, ...]:
        """The names of all areas, sorted; broken ones count."""
        return tuple(sorted({one.area for one in self.scenarios} | {module.area for module in self.broken}))

    @property
    def arguments(self) -> list[str]:
        """What to give pytest to run exactly this.

        Without the broken modules: Python keeps what it could read of them, and pytest would take that for the whole.
        """
        return [scenario.argument for scenario in self.scenarios]

    def select(self, selectors: Sequence[str]) -> Catalogue:
        """Keep what at least one selector names, in the catalogue's own order; no selector keeps everything.

        A selector is an area (`trust`), a scenario (`trust/wildcard`, with or without its `[case]`), or a pattern of
        either, in which `*` stands for any text and `?` for one character.
        Raises ConfigurationError with one problem for every selector that names nothing.
        """
        problems = [
            Problem(f"selector {selector!r}", self._unknown(selector))
            for selector in dict.fromkeys(selectors)
            if not any(_names(selector, scenario) for scenario in self.scenarios)
            and not any(_touches(selector, module) for module in self.broken)
        ]
        if problems:
            raise ConfigurationError(problems)
        if not selectors:
            return self
        return Catalogue(
            self.folder,
            tuple(one for one in self.scenarios if any(_names(selector, one) for selector in selectors)),
            tuple(one for one in self.broken if any(_touches(selector, one) for selector in selectors)),
        )

    def narrow(
        self, *, levels: Collection[str] = (), personas: Collection[str] = (), sources: Collection[str] = ()
    ) -> Catalogue:
        """Keep the scenarios of these levels, about these personas and with one of these sources; empty keeps all.

        Raises ConfigurationError when a persona or source occurs nowhere, or when nothing is left.
        """
        known = (
            {one.persona for one in self.scenarios if one.persona},
            {s for one in self.scenarios for s in one.sources},
        )
        problems = [
            Problem(
                f"{option} {value!r}", f"no selected scenario has it; there are: {', '.join(sorted(there)) or 'none'}."
            )
            for option, values, there in zip(("--persona", "--source"), (personas, sources), known, strict=True)
            for value in values
            if value not in there
        ]
        kept = tuple(
            one
            for one in self.scenarios
            if (not levels or one.level in levels)
            and (not personas or one.persona in personas)
            and (not sources or not set(sources).isdisjoint(one.sources))
        )
        if not problems and not kept and self.scenarios:
            problems.append(Problem("selection", "no scenario fits all of the selectors and options together."))
        if problems:
            raise ConfigurationError(problems)
        return replace(self, scenarios=kept)

    def _unknown(self, selector: str) -> str:
        families = dict.fromkeys(scenario.family for scenario in self.scenarios)
        known = [*self.areas, *families, *(scenario.id for scenario in self.scenarios)]
        near = list(dict.fromkeys(difflib.get_close_matches(selector.lower(), known, n=3)))
        if not near:  # somebody who gave only the second half of an id
            near = [family for family in families if family.partition("/")[2] == selector.lower()][:3]
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        areas = ", ".join(self.areas)
        return f"no scenario has this name.{hint} The areas are {areas}; `sipfed list` shows everything."


def _mistakes(terms: Terms) -> Iterator[str]:
    if not terms.sentence:
        yield "the docstring's first line must say what the scenario shows."
    if terms.unfilled:
        yield f"its sentence has a placeholder for {', '.join(terms.unfilled)}, which is no argument of the test."
    if terms.level not in LEVELS:
        yield f"{terms.level!r} is no level; use the decorator @scenario(...)."
    if needs := sorted(set(terms.needs) - set(CAPABILITIES)):
        yield f"needs {', '.join(needs)}; the capabilities are {', '.join(CAPABILITIES)}."
    if sources := unknown(terms.sources):
        yield f"cites {', '.join(sources)}, which is neither an id in sources.txt nor a place such as RFC 5922 §7.2."


def area_of(module: Path) -> str:
    """`test_open_federation.py` is the area `open-federation`; so is `test_open_federation__more.py`."""
    return _spoken(module.stem.partition("__")[0])


def _spoken(python_name: str) -> str:
    name, bracket, case = python_name.partition("[")
    return name.removeprefix("test_").replace("_", "-") + bracket + case


def _names(selector: str, scenario: Scenario) -> bool:
    return any(fits(selector, name) for name in (scenario.area, scenario.family, scenario.id))


def _touches(selector: str, module: BrokenModule) -> bool:
    return fits(selector.partition("/")[0], module.area)


def fits(selector: str, name: str) -> bool:
    """Whether a selector, with `*` and `?` where it is a pattern, names this."""
    # The brackets are those of a parametrised case, never a set of characters.
    return fnmatchcase(name, selector.replace("[", "[[]"))


def collect(folder: Path = CATALOGUE) -> Catalogue:
    """Find every scenario below `folder` without running any.

    Raises ConfigurationError when a test there is no proper scenario, or when there is nothing to collect at all.
    Modules that cannot be imported are no error here: see `Catalogue.broken`.
    """
    found = _Collector()
    # The plugin looks for garbage to complain about, twice, which takes a tenth of the time; nothing has run yet.
    run_pytest(folder, ["--collect-only", "-p", "no:unraisableexception", str(folder)], found)
    if found.interrupted:
        raise KeyboardInterrupt
    if found.crashed is not None:
        raise SipfedError(f"pytest could not read the catalogue in {folder}:\n{found.crashed}")
    if not found.items and not found.broken:
        raise ConfigurationError([Problem(str(folder), "there are no scenarios (test_*.py) in this folder.")])
    scenarios: list[Scenario] = []
    problems: list[Problem] = []
    for item in found.items:
        try:
            scenarios.append(Scenario.from_item(item))
        except ConfigurationError as error:
            problems += error.problems
    counts = Counter(scenario.id for scenario in scenarios)
    for scenario in scenarios:
        if counts.pop(scenario.id, 1) > 1:
            problems.append(Problem(scenario.id, "two modules of this area have a scenario of this name: rename one."))
    if problems:
        raise ConfigurationError(problems)
    return Catalogue(folder, tuple(scenarios), tuple(found.broken))


class _Collector(Watcher):
    """Keeps what was collected."""

    def __init__(self) -> None:
        super().__init__()
        self.items: list[pytest.Item] = []
        self.broken: list[BrokenModule] = []
        self._root = Path()

    def pytest_configure(self, config: pytest.Config) -> None:
        self._root = config.rootpath

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            path = self._root / report.nodeid.partition("::")[0]
            self.broken.append(BrokenModule(path, report.nodeid, report.longreprtext))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items
