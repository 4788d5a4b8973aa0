"""Lets Python look for cyclic garbage less often while thousands of federations come and go."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

NEW_OBJECTS = 50_000
"""How many new containers make Python look for garbage. Its own 700 are a fifth of one federation, nearly all of which
are still in use then: to find that out took a tenth of the time. This many take some ten megabytes."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for garbage after `NEW_OBJECTS`, unless it is done more rarely or never already; afterwards as before."""
    before = gc.get_threshold()
    if 0 < before[0] < NEW_OBJECTS:
        gc.set_threshold(NEW_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
