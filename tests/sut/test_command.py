"""The driver `command`: a program for each action."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.connect_server.control.contract import BY_ACTION
from simulator.errors import ConfigurationError
from simulator.federation import Engine, Federation
from simulator.sut import CapabilityMissing
from simulator.sut.actions import ActionFailed
from simulator.sut.command import CommandActions
from simulator.sut.settings import CommandSettings, load
from tests.sut.foreign import Foreign

CURL = '''
"""What an owner of a server might write: the actions by HTTP requests of another client."""
import sys, urllib.error, urllib.request

base, token, method, path, body = sys.argv[1:]
data = body.encode() if body else None
request = urllib.request.Request(base + path, data, {"Authorization": "Bearer " + token}, method=method)
try:
    print(urllib.request.urlopen(request, timeout=60).read().decode())
except urllib.error.HTTPError as error:
    sys.exit(error.read().decode())
'''

Perform = Callable[..., Any]


@pytest.fixture
def perform() -> Iterator[Perform]:
    """Performs an action with one command for it."""
    engine = Engine()

    def once(action: str, *command: str, shell: bool = False, timeout: float = 60.0, **arguments: object) -> Any:
        actions = CommandActions(CommandSettings({action: command}, shell, timeout))
        return engine.loop.run(actions.perform(BY_ACTION[action], arguments))

    yield once
    engine.close()


def python(code: str) -> tuple[str, str, str]:
    return sys.executable, "-c", code


ECHO = "import json, sys; print(json.dumps({'delivered': True, 'reason': sys.argv[1]}))"


@pytest.mark.parametrize("text", ["a b", "'; rm -rf /; '", "$(id)", "{user}", '"', "\\", "zwölf\n🙂", "-x", "%PATH%"])
@pytest.mark.parametrize("shell", [False, pytest.param(True, marks=pytest.mark.skipif("sys.platform == 'win32'"))])
def test_a_text_reaches_the_program_unchanged(perform: Perform, text: str, shell: bool) -> None:
    command: tuple[str, ...] = (*python(ECHO), "{text}")
    if shell:
        command = (f'"{sys.executable}" -c "{ECHO}" {{text}}',)

    delivery = perform("send_message", *command, shell=shell, user="alice", to="sip:b@b.test", text=text)

    assert (delivery.delivered, delivery.reason) == (True, text)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("print('nothing to say')", "The command send_message printed what is no JSON: nothing to say"),
        ("", "The command send_message printed what is no JSON: nothing"),
        ("print('{}')", "the answer to sendMessage is not as the contract says: delivered: Field required."),
        ("import sys; sys.exit('no route')", "The command send_message ended with exit code 1: no route"),
        ("import time; time.sleep(60)", "The command send_message did not end within 0.2 s."),
    ],
)
def test_a_program_that_does_not_do_it_fails_in_a_sentence(perform: Perform, code: str, sentence: str) -> None:
    with pytest.raises(ActionFailed) as caught:
        perform("send_message", *python(code), timeout=0.2 if "sleep" in code else 60.0, user="a", to="b", text="c")

    assert sentence in str(caught.value)


def test_a_program_that_is_not_there_fails_in_a_sentence(perform: Perform) -> None:
    with pytest.raises(ActionFailed, match="The command end_chat cannot be started: No such file"):
        perform("end_chat", "no-such-program-anywhere", user="a", to="b")


def test_a_shell_on_windows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")

    with pytest.raises(ConfigurationError, match="Windows has no safe way"):
        CommandActions(CommandSettings({}, shell=True))


def test_a_server_is_driven_by_commands_and_left_as_it_was(foreign: Foreign, tmp_path: Path) -> None:
    process = foreign.start()
    script = tmp_path / "owner.py"
    script.write_text(CURL)

    def action(name: str, method: str, path: str, body: str = "") -> str:
        words = [sys.executable, str(script), process.url, process.token, method, path, body]
        return f"{name} = {words!r}"

    commands = [
        action("send_message", "POST", "/users/{user}/messages", '{"to": "{to}", "text": "{text}"}'),
        action("end_chat", "DELETE", "/users/{user}/chats/{to}"),
        action("read_inbox", "GET", "/users/{user}/messages?after={after}&wait={wait}"),
        action("put_route", "PUT", "/routes/{domain}", '{"host": "{host}", "port": {port}, "enabled": {enabled}}'),
        action("switch_route", "PATCH", "/routes/{domain}", '{"enabled": {enabled}}'),
        action("delete_route", "DELETE", "/routes/{domain}"),
        action("change_switches", "PATCH", "/switches", '{"open_federation": {open_federation}}'),
    ]
    path = foreign.sut_toml("command", "open_federation = true", network="[command.actions]\n" + "\n".join(commands))
    engine = Engine(settings=load(path))
    try:
        server = engine.start_sut()
        assert {"chat", "observe-inbox", "static-routes", "switch-open-federation"} <= server.capabilities
        assert "presence" not in server.capabilities

        for _ in range(2):  # what the first leaves behind must not disturb the second
            federation = Federation(engine)
            alice, bob = federation.sut.user("alice"), federation.partner().user("bob")
            alice.chat_with(bob).say("Hello").must_succeed()
            bob.expect_message("Hello", from_=alice)
            bob.chat_with(alice).say("Hello yourself").must_succeed()
            alice.expect_message("Hello yourself", from_=bob)
            alice.must_have_no_message()
            direct = federation.direct_partner().user("bob")
            federation.sut.switch_open_federation(enabled=False)
            alice.chat_with(direct).say("by route").must_succeed()
            direct.expect_message("by route")
            with pytest.raises(CapabilityMissing, match="lacks the capability presence; to supply it, implement"):
                alice.set_presence("busy")
            assert federation.close() == []
    finally:
        engine.close()
