"""The driver `manual`: a person at the terminal does what the tests want done, and says what came of it."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from pydantic import BaseModel

from simulator.connect_server.control import models as m
from simulator.connect_server.control.contract import Operation
from simulator.errors import ConfigurationError, Problem
from simulator.evidence.visible import escape
from simulator.presence.state import Availability
from simulator.sut.base import ServerUnderTest, Surroundings
from simulator.sut.remote import NEEDED, RemoteServer, identity_of
from simulator.sut.settings import SutSettings


class Terminal(Protocol):
    """Where the person sits."""

    def ask(self, question: str) -> str:
        """Show the question and return the line that is typed; ConfigurationError at the end of input."""


def manual(settings: SutSettings, around: Surroundings) -> ServerUnderTest:
    """The driver; ConfigurationError where there is no terminal."""
    actions = ManualActions(ControllingTerminal())
    able = {name for name, needed in NEEDED.items() if needed and all(map(actions.can, needed))}
    names = {role: user.name for role, user in settings.users.items()}
    return RemoteServer(around, identity_of(settings, able | {"receive"}), actions, names=names, looks_twice=False)


class ControllingTerminal:
    """The terminal that this process belongs to, even while its standard streams are captured or redirected."""

    def __init__(self) -> None:
        """ConfigurationError where there is none, as in CI."""
        names = ("CONIN$", "CONOUT$") if sys.platform == "win32" else ("/dev/tty", "/dev/tty")
        try:
            self._input = Path(names[0]).open(encoding="utf-8", errors="replace")  # noqa: SIM115 - until the end
            self._output = Path(names[1]).open("w", encoding="utf-8", errors="replace")  # noqa: SIM115 - until the end
        except OSError as error:
            message = "the driver manual asks somebody at a terminal, and there is none; choose another driver"
            raise ConfigurationError([Problem("sut.driver", message)]) from error

    def ask(self, question: str) -> str:
        self._output.write(f"\n{question} ")
        self._output.flush()
        line = self._input.readline()
        if not line:
            raise ConfigurationError([Problem("terminal", "it was closed before the answer came")])
        return line.strip()


class ManualActions:
    """Operations as questions, one at a time."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._turn = asyncio.Lock()

    def can(self, action: str) -> bool:
        return action in _QUESTIONS

    async def perform(self, operation: Operation, arguments: dict[str, Any]) -> BaseModel | None:
        question, answer = _QUESTIONS[operation.action]
        # Texts of tests and of partners stand in it, and the terminal is a real one.
        shown = {name: escape("" if value is None else str(value)) for name, value in arguments.items()}
        async with self._turn:
            return await asyncio.to_thread(answer, self._terminal, question(shown), arguments)

    async def close(self) -> None:
        """The terminal belongs to the person."""


Shown = dict[str, str]
Answer = Callable[[Terminal, str, dict[str, Any]], BaseModel | None]


def _done(terminal: Terminal, question: str, _arguments: dict[str, Any]) -> None:
    terminal.ask(f"{question}, then press Enter.")


def _delivery(terminal: Terminal, question: str, _arguments: dict[str, Any]) -> m.Delivery:
    said = terminal.ask(f"{question}\nDid it get through? Write yes, or what the server said instead:")
    if said.lower() in ("y", "yes"):
        return m.Delivery(delivered=True, status=200, reason="", phase="manual")
    match = re.match(r"[3-6][0-9]{2}\b", said)
    return m.Delivery(delivered=False, status=int(match[0]) if match else None, reason=said or "no", phase="manual")


def _inbox(terminal: Terminal, question: str, arguments: dict[str, Any]) -> m.Inbox:
    found = _lines(terminal, f"{question}\nOne a line as `sender@domain text`; an empty line ends:")
    items = [m.ReceivedMessage(text=text, sender=_uri(who), content_type="text/plain") for who, text in found]
    return m.Inbox(items=items, next=arguments["after"] + len(items))


def _seen(terminal: Terminal, question: str, arguments: dict[str, Any]) -> m.SeenList:
    states = ", ".join(state.value for state in Availability)
    found = _lines(terminal, f"{question}\nOne a line as `person@domain state` ({states}); an empty line ends:")
    items = []
    for who, state in found:
        if state in tuple(Availability):
            items.append(m.SeenPresence(presentity=_uri(who), availability=Availability(state), subscription="active"))
    return m.SeenList(items=items, next=arguments["after"] + len(items))


def _lines(terminal: Terminal, question: str) -> list[tuple[str, str]]:
    found = []
    while line := terminal.ask(question):
        who, _, rest = line.partition(" ")
        found.append((who, rest))
        question = ">"
    return found


def _uri(who: str) -> str:
    return who if who.startswith("sip:") else f"sip:{who}"


def _switches(shown: Shown) -> str:
    wanted = {"static routes": shown.get("static_routes"), "open federation": shown.get("open_federation")}
    return " and ".join(f"switch {name} {_on(value)}" for name, value in wanted.items() if value).capitalize()


def _switched(terminal: Terminal, question: str, arguments: dict[str, Any]) -> m.Switches:
    terminal.ask(f"{question}, then press Enter.")
    return m.Switches(
        static_routes=arguments.get("static_routes") is not False,
        open_federation=arguments.get("open_federation") is not False,
    )


def _on(value: str | None) -> str:
    return "on" if value == "True" else "off"


_QUESTIONS: Final[dict[str, tuple[Callable[[Shown], str], Answer]]] = {
    "send_message": (lambda a: f"As {a['user']}, send this message to {a['to']}: {a['text']}", _delivery),
    "end_chat": (lambda a: f"As {a['user']}, close the chat with {a['to']}", _done),
    "read_inbox": (lambda a: f"Which messages has {a['user']} received that you have not typed in yet?", _inbox),
    "set_presence": (
        lambda a: (
            f"As {a['user']}, show the state {a['availability']}" + (f" and the note {a['note']}" if a["note"] else "")
        ),
        _done,
    ),
    "watch": (lambda a: f"As {a['user']}, add {a['to']} to the contacts.", _delivery),
    "unwatch": (lambda a: f"As {a['user']}, remove {a['to']} from the contacts.", _delivery),
    "read_seen": (lambda a: f"Which states of contacts has {a['user']} seen that you have not typed in yet?", _seen),
    "put_route": (
        lambda a: f"Add a static route for {a['domain']} to {a['host']} port {a['port']}, switched {_on(a['enabled'])}",
        _done,
    ),
    "switch_route": (lambda a: f"Switch the static route to {a['domain']} {_on(a['enabled'])}", _done),
    "delete_route": (lambda a: f"Delete the static route to {a['domain']}", _done),
    "change_switches": (_switches, _switched),
}
"""What is asked for each action, and how the answer is read."""
