"""The pytest plugin: markers, options and fixtures of a federation."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("sipfed")
    group.addoption("--sipfed-settings", metavar="FILE", help="Settings (TOML) of the embedded Connect Server.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "scenario(level, sources, needs): a case of the catalogue of `sipfed run`.")
