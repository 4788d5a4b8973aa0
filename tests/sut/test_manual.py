"""The driver `manual`: a person at the terminal, here played by a script that types."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import urllib.request

import pytest

from simulator.connect_server.control.contract import BY_ACTION
from simulator.federation import Engine
from simulator.presence.state import Availability
from simulator.sut.manual import ManualActions
from tests.sut.foreign import Foreign


class Script:
    """Types these lines, and keeps what it was asked."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.questions: list[str] = []

    def ask(self, question: str) -> str:
        self.questions.append(question)
        return self.lines.pop(0)


def asked(engine: Engine, script: Script, action: str, **arguments: object) -> object:
    return engine.loop.run(ManualActions(script).perform(BY_ACTION[action], arguments))


@pytest.mark.parametrize(
    ("action", "arguments", "question"),
    [
        ("switch_route", {"domain": "fabrikam.test", "enabled": False}, "Switch the static route to fabrikam.test off"),
        ("delete_route", {"domain": "b.test"}, "Delete the static route to b.test"),
        (
            "put_route",
            {"domain": "b.test", "host": "sip.b.test", "port": 5061, "enabled": True},
            "Add a static route for b.test to sip.b.test port 5061, switched on",
        ),
        ("change_switches", {"static_routes": None, "open_federation": False}, "Switch open federation off"),
        ("set_presence", {"user": "alice", "availability": "busy", "note": "x"}, "show the state busy and the note x"),
        ("end_chat", {"user": "alice", "to": "sip:b@b.test"}, "As alice, close the chat with sip:b@b.test"),
    ],
)
def test_what_is_to_be_done_is_asked_for(
    sipfed_engine: Engine, action: str, arguments: dict[str, object], question: str
) -> None:
    script = Script("")

    asked(sipfed_engine, script, action, **arguments)

    assert question in script.questions[0]
    assert script.questions[0].endswith(", then press Enter.")


@pytest.mark.parametrize(
    ("typed", "delivered", "status", "reason"),
    [
        ("yes", True, 200, ""),
        ("Y", True, 200, ""),
        ("404 Not Found", False, 404, "404 Not Found"),
        ("", False, None, "no"),
    ],
)
def test_whether_it_got_through_is_what_the_person_says(
    sipfed_engine: Engine, typed: str, delivered: bool, status: int | None, reason: str
) -> None:
    script = Script(typed)

    found = asked(sipfed_engine, script, "send_message", user="alice", to="sip:b@b.test", text="Hi\x1b[2J")

    assert found.model_dump() == {  # type: ignore[attr-defined]
        "delivered": delivered,
        "status": status,
        "reason": reason,
        "phase": "manual",
    }
    assert "\x1b" not in script.questions[0]


def test_what_was_received_is_typed_in(sipfed_engine: Engine) -> None:
    script = Script("bob@b.test Hello there", "sip:eve@e.test x", "", "bob@b.test busy", "bob@b.test asleep", "")

    inbox = asked(sipfed_engine, script, "read_inbox", user="alice", after=2, wait=0.0)
    seen = asked(sipfed_engine, script, "read_seen", user="alice", after=0, wait=0.0)

    assert [(one.sender, one.text) for one in inbox.items] == [  # type: ignore[attr-defined]
        ("sip:bob@b.test", "Hello there"),
        ("sip:eve@e.test", "x"),
    ]
    assert inbox.next == 4  # type: ignore[attr-defined]
    assert [(one.presentity, one.availability) for one in seen.items] == [  # type: ignore[attr-defined]
        ("sip:bob@b.test", Availability.BUSY)
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="a session without a terminal is made as POSIX has it")
def test_without_a_terminal_it_is_refused() -> None:
    code = (
        "from simulator.sut.manual import ControllingTerminal\n"
        "from simulator.errors import ConfigurationError\n"
        "try:\n    ControllingTerminal()\nexcept ConfigurationError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, start_new_session=True
    )

    assert "and there is none; choose another driver" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals of this kind")
def test_pytest_captures_its_output_and_still_the_person_is_asked(foreign: Foreign) -> None:
    """The whole way: `sipfed run` in a terminal, and somebody who does at the server what it says."""
    import pty

    server = foreign.start()
    path = foreign.sut_toml("manual", "open_federation = true", "preflight = false")
    command = [sys.executable, "-m", "simulator.cli", "run", "--sut", str(path), "chat/open-to-the-partner"]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, command)
    shown, answered = "", 0
    while True:
        try:
            shown += os.read(terminal, 4096).decode("utf-8", "replace")
        except OSError:  # the other end is closed
            break
        asked_for = re.findall(r"As alice, send this message to (\S+): (.+?)\r\n.*said instead:", shown)
        for to, text in asked_for[answered:]:
            send_as_alice(server.url, server.token, to, text)
            os.write(terminal, b"yes\n")
            answered += 1
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert answered == 1


def send_as_alice(url: str, token: str, to: str, text: str) -> None:
    body = json.dumps({"to": to, "text": text}).encode()
    headers = {"Authorization": f"Bearer {token}"}
    with urllib.request.urlopen(
        urllib.request.Request(f"{url}/users/alice/messages", body, headers), timeout=60
    ) as done:
        assert json.load(done)["delivered"]
