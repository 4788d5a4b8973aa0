"""Bytes as they stand on the wire survive a checkout anywhere, also where git turns line ends into CRLF."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_no_file_of_the_corpus_is_altered_by_a_checkout() -> None:
    """`text: unset` is what `-text` gives: git touches no byte."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a clone")
    files = [path for path in (ROOT / "tests" / "corpus").rglob("*") if path.is_file() and path.suffix != ".toml"]
    names = [path.relative_to(ROOT).as_posix() for path in files]
    command = ["git", "-C", str(ROOT), "check-attr", "-z", "--stdin", "text"]
    done = subprocess.run(command, input="\0".join(names).encode(), capture_output=True, check=True)
    name, _attribute, value = (done.stdout.decode().split("\0")[place::3] for place in range(3))

    assert len(names) > 400
    assert dict(zip(name, value, strict=False)) == dict.fromkeys(names, "unset")
