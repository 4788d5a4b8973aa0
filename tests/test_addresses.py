"""The packages name nobody's machine: every address in them is for loopback, documentation or private networks."""

from __future__ import annotations

import ast
import re
from ipaddress import ip_address
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = [path for package in ("simulator", "fakes") for path in sorted((ROOT / package).rglob("*.py"))]
ADDRESS = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3})(?::\d+)?")
OBJECT_IDENTIFIER = re.compile(r"2\.5\.(4|29)\.")


def routable(source: str) -> list[str]:
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    found = [match[1] for text in texts if isinstance(text, str) and (match := ADDRESS.fullmatch(text))]
    return [one for one in found if not OBJECT_IDENTIFIER.match(one) and ip_address(one).is_global]


@pytest.mark.cites("C20")
def test_no_module_holds_the_address_of_somebody() -> None:
    assert {str(path): found for path in MODULES if (found := routable(path.read_text(encoding="utf-8")))} == {}


def test_an_address_of_somebody_would_be_found() -> None:
    assert routable('a = "63.201.34.21:5061", "127.0.0.1", "192.0.2.7", "2.5.29.37", "8.8.8.8"') == [
        "63.201.34.21",
        "8.8.8.8",
    ]
