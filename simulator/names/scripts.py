"""Which alphabet a character belongs to, and which Latin letter it passes for (UTS 39 §4 and §5.2)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

LOOKALIKES: Final[dict[str, str]] = dict(
    zip(
        "асԁеһіјӏорԛѕԝхуᴦονρυικ",
        "acdehijlopqswxyrovpuik",
        strict=True,
    )
)
"""Cyrillic and Greek small letters that most fonts draw like a Latin one: the part of the confusables of UTS 39 that
people are deceived with. It is no complete list."""

_TOGETHER: Final = (
    frozenset({"Latin", "Han", "Hiragana", "Katakana"}),
    frozenset({"Latin", "Han", "Bopomofo"}),
    frozenset({"Latin", "Han", "Hangul"}),
)
"Scripts that Japanese, Chinese and Korean write side by side (UTS 39 §5.2, highly restrictive)."
_RENAMED: Final = {"Cjk": "Han", "Ideographic": "Han"}
_COMMON: Final = frozenset({"Combining", "Katakana-hiragana", "Middle", "Modifier"})
_TWO_WORDS: Final = frozenset({"Old", "New", "Tai", "Meetei", "Ol", "Pahawh", "Kayah", "Sora", "Warang", "Phags-pa"})


def scripts_of(label: str) -> tuple[str, ...]:
    """The scripts of a U-label's letters in alphabetical order; digits, hyphens and accents belong to none.

    The name of a character begins with its script, which is as near as the standard library comes to that property.
    """
    return tuple(sorted({script for character in label if (script := _script_of(character)) is not None}))


def mixed(scripts: Iterable[str]) -> bool:
    """Whether no language writes these scripts side by side in one word."""
    found = frozenset(scripts)
    return len(found) > 1 and not any(found <= together for together in _TOGETHER)


def latin_lookalike(label: str) -> str | None:
    """The ASCII label that a U-label passes for, or None when one of its characters gives it away."""
    seen = "".join(LOOKALIKES.get(character, character) for character in label)
    return seen if seen.isascii() and seen != label else None


@lru_cache(maxsize=4096)
def _script_of(character: str) -> str | None:
    if character.isascii():
        return "Latin" if character.isalpha() else None
    if unicodedata.category(character)[0] not in "LM":
        return None
    words = unicodedata.name(character, "Unknown").split()
    first = words[0].capitalize()
    if first in _COMMON:
        return None
    if first in _TWO_WORDS and len(words) > 1:
        return f"{first} {words[1].capitalize()}"
    return _RENAMED.get(first, first)
