"""The settings file of the Connect Server: TOML in, ServerSettings or every mistake with its line out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from simulator.connect_server import consistency
from simulator.connect_server.settings import ServerSettings
from simulator.connect_server.tables import FileTable
from simulator.errors import Problem
from simulator.toml import places
from simulator.toml.tables import Mistake, read

Check = Callable[[ServerSettings], Iterable[Problem]]


def load(path: Path, *, also: Check = lambda _settings: ()) -> ServerSettings:
    """Read the file; see `simulator.connect_server.settings.load`.

    `also` finds further mistakes once the file itself holds none; it places them as the settings do, such as
    `certificate.store`, and they are shown with their line.
    """

    def then(tables: FileTable) -> Iterator[Mistake]:
        for problem in also(tables.settings()):
            yield _path_of(problem.place), problem.message

    return read(
        path, FileTable, lambda document: consistency.mistakes(consistency.of_document(document)), then
    ).settings()


def _path_of(spelled: str) -> places.Path:
    """`users[1].name` as a path; what is no place of this file becomes one key."""
    if not re.fullmatch(r"[a-z_]+(\[\d+\]|\.[a-z_]+)*", spelled):
        return (spelled,)
    return tuple(int(part) if part.isdigit() else part for part in re.findall(r"[a-z_]+|\d+", spelled))
