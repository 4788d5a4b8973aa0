"""Long runs with many partners, on demand: `tox -e soak`."""

from __future__ import annotations
