"""A package that is installed beside brings personas of its own (entry points `sipfed.personas`)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULE = """
from simulator.partner import TEAMS
ours = TEAMS.but(name="teams-of-acme", about="As Acme sees it", tls_maximum="TLSv1.2")
none = 1
"""


def install(folder: Path, entry: str) -> dict[str, str]:
    """A package with an entry point, found by the path alone; gives the environment for it."""
    (folder / "acme_personas.py").write_text(MODULE)
    metadata = folder / "acme_personas-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-personas\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(f"[sipfed.personas]\n{entry}\n")
    path = os.pathsep.join([str(folder), *(entry for entry in sys.path if entry)])
    return {**os.environ, "PYTHONPATH": path}


def personas(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator.cli", "personas", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def test_a_persona_of_an_installed_package_is_known(tmp_path: Path) -> None:
    environment = install(tmp_path, "teams-of-acme = acme_personas:ours")

    assert "teams-of-acme  As Acme sees it" in personas(environment).stdout
    assert "tls_maximum = TLSv1.2  [own]" in personas(environment, "teams-of-acme").stdout


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("broken = acme_personas:missing", "acme_personas:missing cannot be loaded"),
        ("broken = no_such_module:ours", "no_such_module:ours cannot be loaded"),
        ("broken = acme_personas:none", "acme_personas:none is no Persona"),
    ],
)
def test_a_broken_one_is_a_sentence(tmp_path: Path, entry: str, sentence: str) -> None:
    result = personas(install(tmp_path, entry))

    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
