"""What a server was found to be able to do, in a file for review; a later run must find no less."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Collection
from pathlib import Path

from simulator.errors import ConfigurationError, Problem
from simulator.sut.base import ServerUnderTest
from simulator.sut.capabilities import CAPABILITIES

_HEAD = """\
# What `sipfed probe` found. Read it, correct it, and keep it beside sut.toml, which names it as profile = "{name}".
# A run that finds less than is true here fails; what is false is not demanded.

server = {server}

[capabilities]
"""


def write_profile(path: Path, name: str, has: Collection[str]) -> None:
    """Write what the server of this name has, and for what it lacks, how to supply it; ConfigurationError when that
    fails."""
    lines = []
    for word, capability in CAPABILITIES.items():
        lines.append(f"# {capability.about}" + ("" if word in has else f" To supply it, {capability.supply}."))
        lines.append(f"{word} = {'true' if word in has else 'false'}")
    server = json.dumps(name)  # JSON's text is one of TOML's
    try:
        path.write_text(_HEAD.format(name=path.name, server=server) + "\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError([Problem(str(path), f"The profile cannot be written: {error.strerror}.")]) from error


def read_profile(path: Path) -> frozenset[str]:
    """What the profile demands; ConfigurationError where it is missing or no profile."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))["capabilities"]
        demanded = frozenset(name for name, has in found.items() if has is True)
    except FileNotFoundError:
        message = "There is no such profile; `sipfed probe` writes one."
        raise ConfigurationError([Problem(str(path), message)]) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, AttributeError) as error:
        message = f"This is no profile ({error}); `sipfed probe` writes one."
        raise ConfigurationError([Problem(str(path), message)]) from error
    unknown = sorted(demanded - set(CAPABILITIES))
    if unknown:
        raise ConfigurationError([Problem(str(path), f"There is no capability {', '.join(unknown)}.")])
    return demanded


def compare(path: Path, sut: ServerUnderTest) -> None:
    """ConfigurationError when the server has less than the profile says."""
    lost = sorted(read_profile(path) - sut.capabilities)
    if lost:
        supply = "; ".join(f"{name}: {CAPABILITIES[name].supply}" for name in lost)
        message = f"{sut.name} has lost the capability {', '.join(lost)} ({supply}), or write false there."
        raise ConfigurationError([Problem(str(path), message)])
