"""The conformance statement of a run, and what two of them say about two builds of a server."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.errors import ConfigurationError, Problem
from simulator.scenarios.grades import Grade
from simulator.scenarios.results import Result, Run
from simulator.scenarios.selection import Catalogue

SCHEMA = Path(__file__).with_name("statement.schema.json")
"""The JSON schema of a statement."""

FORMAT: Literal[1] = 1

Verdict = Literal["passed", "known", "not run", "failed"]
Tier = Literal["usual", "slow"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CatalogueVersion(_Part):
    """Which catalogue was run."""

    version: Annotated[str, Field(description="The version of sipfed.")]
    scenarios: Annotated[int, Field(ge=0, description="How many scenarios the whole catalogue has.")]
    digest: Annotated[str, Field(description="Differs when a scenario's id, level, sources or sentence does.")]


class Server(_Part):
    """What was tested."""

    name: Annotated[str | None, Field(description="Product and version; null when no scenario came as far as it.")]
    profile: Annotated[str | None, Field(description="The settings file that describes it; null is the embedded one.")]


class Finding(_Part):
    """What is said of one scenario."""

    verdict: Annotated[Verdict, Field(description="How it ended; `known` is a failure that the owner has listed.")]
    grade: Annotated[Grade | None, Field(description="How good the outcome is; null when there is no verdict.")]
    outcomes: Annotated[tuple[str, ...], Field(description="Which of the listed outcomes happened, sorted.")] = ()
    reason: Annotated[str, Field(description="Why it failed or did not run, without names of this run.")] = ""
    tier: Annotated[Tier, Field(description="`slow` where time really passed: no clock could be set.")] = "usual"


class Statement(_Part):
    """A run's verdicts, without anything that differs between two runs of the same build."""

    format: Annotated[Literal[1], Field(description="The version of this format.")]
    catalogue: CatalogueVersion
    server: Server
    seed: Annotated[str | None, Field(description="What the random order came from; null is the catalogue's order.")]
    repeat: Annotated[int, Field(ge=1, description="How often each scenario ran.")]
    scenarios: Annotated[dict[str, Finding], Field(description="Every selected scenario by its id.")]

    def as_json(self) -> str:
        """Sorted and indented, with a newline at the end: made to be compared line by line."""
        return json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def schema() -> str:
    """The JSON schema of a statement, as `statement.schema.json` holds it."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Statement.model_json_schema()}
    return json.dumps(document, indent=2) + "\n"


def statement_of(
    run: Run, catalogue: Catalogue, *, profile: str | None = None, seed: str | None = None, repeat: int = 1
) -> Statement:
    """The statement of a run; `catalogue` is the whole one, whatever was selected of it."""
    return Statement(
        format=FORMAT,
        catalogue=catalogue_version(catalogue),
        server=Server(name=run.server, profile=profile),
        seed=seed,
        repeat=repeat,
        scenarios={result.scenario.id: _finding(result) for result in run.results},
    )


def catalogue_version(catalogue: Catalogue) -> CatalogueVersion:
    """Version and digest of a catalogue."""
    try:
        version = metadata.version("sipfed")
    except metadata.PackageNotFoundError:
        version = "not installed"
    lines = sorted(repr((one.id, one.level, one.sources, one.sentence)) for one in catalogue.scenarios)
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
    return CatalogueVersion(version=version, scenarios=len(lines), digest=digest)


def read_statement(path: Path) -> Statement:
    """Read a statement; ConfigurationError with every mistake when the file is none."""
    try:
        return Statement.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError([Problem(str(path), f"The file cannot be read: {error.strerror or error}.")]) from None
    except ValidationError as error:
        problems = [
            Problem(": ".join(filter(None, (str(path), ".".join(map(str, detail["loc"]))))), f"{detail['msg']}.")
            for detail in error.errors(include_url=False)[:10]
        ]
        problems.append(Problem(str(path), "It must be a file that `sipfed run --statement` has written."))
        raise ConfigurationError(problems) from None


def lasting(text: str) -> str:
    """A sentence without what differs in every run: names made for a test, addresses of loopback, ports."""
    text = re.sub(r"\b([a-z]+)\d+-[0-9a-f]{4}\.test\b", r"\1.test", text)
    text = re.sub(r"\b127(\.\d+){3}\b", "127.x.x.x", text)
    return re.sub(r"(127\.x\.x\.x|\.test|\]):\d{1,5}\b", r"\1:port", text)


def _finding(result: Result) -> Finding:
    return Finding(
        verdict=result.outcome.value,
        grade=result.grade,
        outcomes=tuple(sorted(one.outcome for one in result.happened)),
        reason=lasting(result.reason),
        tier="slow" if result.slow else "usual",
    )


@dataclass(frozen=True, slots=True)
class Change:
    """One scenario that two statements differ about."""

    scenario: str
    "Its id."
    before: str | None
    "What the older one says; None when it has no such scenario."
    after: str | None
    "What the newer one says; None when it has no such scenario."
    reason: str = ""
    "What the newer one gives as the reason."

    def __str__(self) -> str:
        if self.before is None or self.after is None:
            what = self.after or self.before
        else:
            what = f"{self.before} -> {self.after}"
        return f"{self.scenario}: {what}" + (f" ({self.reason})" if self.reason else "")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from one build to the next."""

    worse: tuple[Change, ...]
    "A lower grade, or no verdict any more."
    better: tuple[Change, ...]
    "A higher grade."
    appeared: tuple[Change, ...]
    "In the newer statement only."
    vanished: tuple[Change, ...]
    "In the older statement only."

    def sections(self) -> Iterator[tuple[str, tuple[Change, ...]]]:
        """The four lists with their names, what matters most first."""
        yield "worse", self.worse
        yield "better", self.better
        yield "appeared", self.appeared
        yield "vanished", self.vanished

    def as_json(self) -> dict[str, object]:
        """For programs."""
        return {
            name: [
                {"scenario": one.scenario, "before": one.before, "after": one.after, "reason": one.reason}
                for one in changes
            ]
            for name, changes in self.sections()
        }


def compare(old: Statement, new: Statement) -> Comparison:
    """Sort what differs into better and worse; known failures are failures here, whoever listed them."""
    before, after = old.scenarios, new.scenarios
    both = [identifier for identifier in sorted(before) if identifier in after]
    changes = [
        (_rank(after[one]) - _rank(before[one]), Change(one, _said(before[one]), _said(after[one]), after[one].reason))
        for one in both
        if _rank(before[one]) != _rank(after[one])
    ]
    return Comparison(
        # A failure that is no longer run is no progress: the verdict is lost.
        worse=tuple(change for step, change in changes if step < 0 or after[change.scenario].grade is None),
        better=tuple(change for step, change in changes if step > 0 and after[change.scenario].grade is not None),
        appeared=tuple(
            Change(one, None, _said(after[one]), after[one].reason) for one in sorted(after) if one not in before
        ),
        vanished=tuple(Change(one, _said(before[one]), None) for one in sorted(before) if one not in after),
    )


def _rank(finding: Finding) -> int:
    return {"not ok": 0, None: 1, "tolerable": 2, "ok": 3}[finding.grade]


def _said(finding: Finding) -> str:
    return f"{finding.verdict}, {finding.grade}" if finding.grade == "tolerable" else finding.verdict
