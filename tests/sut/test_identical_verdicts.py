"""The whole catalogue on the embedded server in this process, in another one, and behind its API as somebody else's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from simulator.scenarios.selection import collect
from simulator.sut.capabilities import with_implied
from simulator.sut.wire import ABLE
from tests.sut.foreign import Foreign

LEAST_SHARE = 0.53
"""Of the catalogue, with nothing but an address. What is beyond it is about what the server's users are told and shown,
or takes routes, switches, certificates, groups, other names or the clock of the server, which no partner can turn."""
WHOLE_RUN = 900
"Seconds after which something hangs; a loaded machine is slow."


def verdicts(folder: Path, *arguments: str) -> dict[str, Any]:
    """What `sipfed run` says of each scenario: verdict, grade, outcomes, and why."""
    statement = folder / "statement.json"
    command = [sys.executable, "-m", "simulator.cli", "run", "--statement", str(statement), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=WHOLE_RUN)
    assert statement.exists(), done.stderr
    found: dict[str, Any] = json.loads(statement.read_text(encoding="utf-8"))["scenarios"]
    return found


def test_the_verdicts_are_the_same_however_the_server_is_driven(tmp_path: Path, foreign: Foreign) -> None:
    process = tmp_path / "process.toml"
    process.write_text('[sut]\ndriver = "embedded-process"\n')
    foreign.start()

    in_this_process = verdicts(tmp_path)
    in_another_process = verdicts(tmp_path, "--sut", str(process))
    over_http = verdicts(tmp_path, "--sut", str(foreign.sut_toml("http")))

    assert in_another_process == in_this_process
    assert over_http == in_this_process
    assert {one["verdict"] for one in in_this_process.values()} == {"passed"}


def test_what_partners_can_judge_alone_runs_with_nothing_but_an_address(tmp_path: Path, foreign: Foreign) -> None:
    foreign.start()
    lines = (
        "open_federation = true",
        "[sut.users.carol]",
        "federation = false",
        "[sut.users.dave]",
        "federation = false",
    )

    found = verdicts(tmp_path, "--sut", str(foreign.sut_toml("wire-only", *lines)))

    able = with_implied((*ABLE, "open-federation", "licences"))
    judged = {one.id for one in collect().scenarios if able.issuperset(one.needs)}
    assert {one for one, finding in found.items() if finding["verdict"] == "passed"} == judged
    assert {one for one, finding in found.items() if finding["verdict"] == "not run"} == found.keys() - judged
    assert len(judged) / len(found) > LEAST_SHARE
