"""Drivers: those that are shipped, and those that another package brings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.errors import ConfigurationError
from simulator.federation import Engine
from simulator.sut import SutSettings
from simulator.sut.drivers import SHIPPED, driver_names
from simulator.sut.settings import load

VENDOR = """
from simulator.sut.starting import embedded

def drive(settings, around):
    server = embedded(settings, around)
    server.name = f"vendor's server with {settings.options['colour']}"
    return server
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package that was installed with two drivers, one of which is broken."""
    (tmp_path / "vendor_driver.py").write_text(VENDOR)
    info = tmp_path / "vendor-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vendor\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[sipfed.drivers]\nvendor=vendor_driver:drive\nbroken=vendor_driver:none\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("vendor_driver", None)


def test_a_package_brings_a_driver_with_options_of_its_own(package: Path) -> None:
    (package / "sut.toml").write_text('[sut]\ndriver = "vendor"\n[options]\ncolour = "red"\n')
    engine = Engine(settings=load(package / "sut.toml"))
    try:
        assert engine.start_sut().name == "vendor's server with red"
    finally:
        engine.close()
    assert driver_names() == [*SHIPPED, "broken", "vendor"]


def test_a_driver_that_cannot_be_loaded_is_named_with_its_package(package: Path) -> None:
    engine = Engine(settings=SutSettings(driver="broken"))
    try:
        with pytest.raises(ConfigurationError, match="driver broken: vendor_driver:none of vendor cannot be loaded"):
            engine.start_sut()
    finally:
        engine.close()


def test_an_unknown_driver_is_a_mistake() -> None:
    engine = Engine(settings=SutSettings(driver="telnet"))
    try:
        with pytest.raises(ConfigurationError, match="there is no driver 'telnet'; there is embedded, embedded"):
            engine.start_sut()
    finally:
        engine.close()


def test_what_its_owner_says_it_has_not_is_not_asked_of_the_embedded_server() -> None:
    engine = Engine(settings=SutSettings(driver="embedded", without=frozenset({"typing"})))
    try:
        capabilities = engine.start_sut().capabilities
    finally:
        engine.close()

    assert "typing" not in capabilities
    assert "chat" in capabilities
