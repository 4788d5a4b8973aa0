"""Every command and snippet of the README, as a stranger would use it: a fresh copy and a new virtual environment."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line[2:] for kind, text in BLOCKS if kind == "console" for line in text.splitlines() if line[:2] == "$ "]
SNIPPETS = [text for kind, text in BLOCKS if kind == "python"]
SETS_UP, TESTS = COMMANDS[:2]
SERVES = next(command for command in COMMANDS if "--config" in command)
OTHERS = [command for command in COMMANDS[2:] if command != SERVES]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of a POSIX shell")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What git would give a stranger, with the changes that are not committed yet, after the README's first line."""
    folder = tmp_path_factory.mktemp("stranger") / "sipfed"
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    result = shell(SETS_UP, folder)
    assert result.returncode == 0, result.stdout + result.stderr
    end = r"^\d+ scenarios passed(, \d+ of them tolerably,)? in [\d.]+ s\.$"
    assert re.search(end, result.stdout, re.MULTILINE), result.stdout
    return folder


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    # The environment of a stranger: nothing of the virtual environment that runs this test.
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE") and not name.startswith(("TOX", "COV"))
    }
    own = str(Path(sys.prefix) / "bin")
    environment["PATH"] = os.pathsep.join(part for part in environment.get("PATH", "").split(os.pathsep) if part != own)
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        shell=True,
        capture_output=True,
        encoding="utf-8",
        timeout=900,
        check=False,
    )


def test_it_has_the_two_lines() -> None:
    assert SETS_UP.endswith("sipfed run")
    assert TESTS.endswith("tox")
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").count(TESTS.split(" && ")[-1]) == 1


@pytest.mark.parametrize("command", OTHERS)
def test_command(clone: Path, command: str) -> None:
    result = shell(command, clone)

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout


def test_the_tests_line_gets_as_far_as_naming_its_environments(clone: Path) -> None:
    """The line itself is what runs this test; here it only shows that it sets up tox and finds its configuration."""
    result = shell(TESTS + " list --no-desc -q", clone)

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.split()[:4] == ["tests", "lint", "types", "readme"]


def test_the_settings_example_is_complete(clone: Path) -> None:
    """The printed example, with files that exist only in the reader's mind, fails with a sentence about those."""
    example = shell(".venv/bin/sipfed connect-server --example", clone).stdout
    (clone / "connect.toml").write_text(example, encoding="utf-8")

    result = shell(SERVES, clone)

    assert result.returncode == 2
    assert "There is no file connect.chain.pem" in result.stderr


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet(clone: Path, snippet: str) -> None:
    (clone / "test_of_the_reader.py").write_text(snippet, encoding="utf-8")

    result = shell(".venv/bin/python -m pytest -q -c /dev/null --rootdir . test_of_the_reader.py", clone)

    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(rf"{snippet.count('def test_')} passed", result.stdout)
