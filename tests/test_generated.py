"""Generated files are what their sources make of them, and the citations of tests are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.generated import FILES, citing_tests


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_generated_file_is_up_to_date(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path](), "run `python -m tests.generated`"


def test_a_test_cites_in_its_docstring_or_by_its_mark() -> None:
    source = '''
"""A module cites nothing (R1)."""

def test_one():
    """The sample (R20-R22, C2)."""

@pytest.mark.parametrize("case", [pytest.param(1, marks=pytest.mark.cites("R10"))])
@pytest.mark.cites("R11", "C14")
def test_two(case):
    """Nothing here."""

class TestThree:
    """R30 is shown."""

    def test_inner(self):
        """R31 too, unlike XR32 and R33x."""

def helper():
    """R40."""
'''
    assert list(citing_tests(source)) == [
        ("test_one", ["R20", "R21", "R22", "C2"]),
        ("test_two", ["R10", "R11", "C14"]),
        ("TestThree", ["R30"]),
        ("TestThree::test_inner", ["R31"]),
    ]


def test_an_id_that_there_is_not_is_a_mistake() -> None:
    with pytest.raises(KeyError, match="test_it cites R99"):
        list(citing_tests('def test_it():\n    """R99."""\n'))
