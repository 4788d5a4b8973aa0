"""`python -m simulator.cli` is `sipfed`."""

from __future__ import annotations

from simulator.cli import main

main()
