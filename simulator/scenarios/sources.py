"""What scenarios rest on: the sentences of the requirements (R…), their contradictions (C…) and the facts (F…)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

SENTENCES: Final = Path(__file__).with_name("sources.txt")
"""One line for each source: its id, a space, its sentence."""

_DOCUMENT: Final = re.compile(r"(RFC \d+|\[?MS-[A-Z]+\]?|BR|dialect)( (§|Appendix )[\w.]+)?|[PQ]\d+")
"""Sources that are cited by their place and not by a sentence: RFCs, MS specifications, the Baseline Requirements."""


@cache
def sentences() -> dict[str, str]:
    """Every source that has a sentence, in the order of the file."""
    lines = SENTENCES.read_text(encoding="utf-8").splitlines()
    return {identifier: sentence for identifier, _, sentence in (line.partition(" ") for line in lines)}


def requirements() -> tuple[str, ...]:
    """The ids that the catalogue and the tests must cover: R1 to R81 and C1 to C21."""
    return tuple(identifier for identifier in sentences() if identifier[0] in "RC")


def unknown(identifiers: Iterable[str]) -> list[str]:
    """Those that are neither an id with a sentence nor the place of a document, such as `RFC 5922 §7.2`."""
    known = sentences()
    return [one for one in identifiers if one not in known and not _DOCUMENT.fullmatch(one)]


def cited(identifiers: Iterable[str]) -> list[str]:
    """A line for each source that has a sentence: `R57: The certificate must not be a wildcard certificate …`."""
    known = sentences()
    return [f"{one}: {known[one]}" for one in identifiers if one in known]
