"""The catalogue: every `test_<area>.py` in this folder is an area, and every test in it a scenario of `sipfed run`.

A large area is several modules: `test_<area>__<part>.py` belongs to the area, and its tests are named as if all were in
one module.

A module of scenarios imports what is heavy (`simulator.federation` above all) under `TYPE_CHECKING` or inside the
tests, so that listing the catalogue costs no more than reading it.
"""

from __future__ import annotations

from simulator.scenarios.grades import GRADES, Grade, happened
from simulator.scenarios.marking import LEVELS, Case, Level, cases, scenario

__all__ = ["GRADES", "LEVELS", "Case", "Grade", "Level", "cases", "happened", "scenario"]
