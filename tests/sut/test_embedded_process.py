"""The embedded server as a child: it ends with whoever started it, and what was under way is accounted for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.ca import Authority
from simulator.errors import SipfedError
from simulator.federation import Engine, Federation
from simulator.outcome import Outcome
from simulator.sut import SutSettings
from simulator.sut.process import ServerProcess
from simulator.sut.settings import load
from tests.sut.foreign import Foreign

HARNESS = """
import sys
from simulator.federation import Engine, Federation
from simulator.sut import SutSettings

engine = Engine(settings=SutSettings(driver="embedded-process"))
server = engine.start_sut()
federation = Federation(engine)
federation.partner().user("bob").chat_with(federation.sut.user("alice")).say("Hello").must_succeed()
print(server.child.pid, flush=True)
sys.stdin.read()
"""
GONE_WITHIN = 30.0
"Seconds that a child may take to notice that it is alone; a loaded machine is slow."


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine(settings=SutSettings(driver="embedded-process"))
    try:
        engine.start_sut()
        yield engine
    finally:
        engine.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killing_the_harness_leaves_no_child_and_no_key(tmp_path: Path) -> None:
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", HARNESS], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as harness:
        assert harness.stdout is not None
        child = int(harness.stdout.readline())
        keys = list(tmp_path.rglob("*.key"))
        harness.kill()
    assert keys, "the child has read its key from a file"

    deadline = time.monotonic() + GONE_WITHIN
    while _lives(child):
        assert time.monotonic() < deadline, "the child outlived its parent"
        threading.Event().wait(0.05)
    with Authority(folder=tmp_path):
        assert not list(tmp_path.rglob("*.key"))


def test_the_end_of_the_run_ends_the_child_with_its_last_words(engine: Engine) -> None:
    server = engine.sut
    assert server is not None
    child = server.child  # type: ignore[attr-defined]

    server.close()

    assert child.lines[-1] == "Stopped."
    assert not _lives(child.pid)


def test_a_child_that_does_not_start_is_quoted(tmp_path: Path) -> None:
    config = tmp_path / "connect.toml"
    config.write_text("domain = 1\n")

    with pytest.raises(SipfedError, match=r"(?s)did not start as a process; it said: .*domain: 1 is no text"):
        ServerProcess(config)


def test_sigterm_in_the_middle_of_traffic_accounts_for_every_message(foreign: Foreign) -> None:
    """What the partners were told was delivered has been accepted, and nothing else was."""
    process = foreign.start()
    engine = Engine(settings=load(foreign.sut_toml("http")))
    try:
        engine.start_sut()
        federation = Federation(engine)
        partners = [federation.partner() for _ in range(3)]
        alice = federation.sut.user("alice")
        outcomes: list[Outcome] = []
        under_way = threading.Barrier(len(partners) + 1)

        def talk(number: int) -> None:
            chat = partners[number].user("bob").chat_with(alice)
            chat.say("the first").must_succeed()
            under_way.wait(60)
            while not outcomes or outcomes[-1].delivered or len(outcomes) < 20:
                outcomes.append(chat.say(f"message {len(outcomes)}"))
                if not outcomes[-1].delivered:
                    return

        threads = [threading.Thread(target=talk, args=(number,)) for number in range(len(partners))]
        for thread in threads:
            thread.start()
        under_way.wait(60)
        os.kill(process.pid, signal.SIGTERM)
        for thread in threads:
            thread.join(120)
    finally:
        engine.close()
    process.close()

    delivered = len(partners) + sum(outcome.delivered for outcome in outcomes)
    assert list(process.lines)[-2:] == [f"{delivered} messages were accepted for users.", "Stopped."]
    assert [outcome for outcome in outcomes if not outcome.delivered], "the traffic went on until the end"


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
