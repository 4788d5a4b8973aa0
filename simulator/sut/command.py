"""The driver `command`: a program of the server's owner for each action, JSON on its standard output."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from typing import Any

from pydantic import BaseModel

from simulator.connect_server.control.contract import Operation
from simulator.errors import ConfigurationError, Problem
from simulator.sut.actions import ActionFailed, result_of
from simulator.sut.base import ServerUnderTest, Surroundings
from simulator.sut.remote import NEEDED, RemoteServer, identity_of
from simulator.sut.settings import CommandSettings, SutSettings

_PLACEHOLDER = re.compile(r"{(\w+)}")
_SHOWN_OUTPUT = 400


def command(settings: SutSettings, around: Surroundings) -> ServerUnderTest:
    """The driver. It has every capability whose actions have a command."""
    assert settings.command is not None
    actions = CommandActions(settings.command)
    able = {name for name, needed in NEEDED.items() if needed and all(map(actions.can, needed))}
    names = {role: user.name for role, user in settings.users.items()}
    return RemoteServer(around, identity_of(settings, able | {"receive"}), actions, names=names)


class CommandActions:
    """Operations as programs, which run one at a time."""

    def __init__(self, settings: CommandSettings) -> None:
        """ConfigurationError for `shell` on Windows, where no quoting is safe."""
        if settings.shell and sys.platform == "win32":
            message = "Windows has no safe way to put texts into a line for the shell; write a list and leave shell out"
            raise ConfigurationError([Problem("command.shell", message)])
        self._settings = settings

    def can(self, action: str) -> bool:
        return action in self._settings.actions

    async def perform(self, operation: Operation, arguments: dict[str, Any]) -> BaseModel | None:
        template = self._settings.actions.get(operation.action)
        if template is None:
            raise ActionFailed(f"There is no command {operation.action} in [command.actions] of sut.toml.")
        shown = {name: _spelled(arguments.get(name)) for name in operation.arguments}
        timeout = self._settings.timeout + float(arguments.get("wait", 0))
        output = await asyncio.to_thread(self._run, operation.action, self._filled(template, shown), timeout)
        if operation.result is None:
            return None
        where = f"The command {operation.action}"
        try:
            answer = json.loads(output)
        except json.JSONDecodeError:
            said = output[:_SHOWN_OUTPUT].strip() or "nothing"
            raise ActionFailed(f"{where} printed what is no JSON: {said}") from None
        return result_of(operation, answer, where)

    async def close(self) -> None:
        """Nothing is open."""

    def _filled(self, template: tuple[str, ...], shown: dict[str, str]) -> list[str] | str:
        def value(match: re.Match[str]) -> str:
            return shlex.quote(shown[match[1]]) if self._settings.shell else shown[match[1]]

        words = [_PLACEHOLDER.sub(value, word) for word in template]
        return words[0] if self._settings.shell else words

    def _run(self, action: str, words: list[str] | str, timeout: float) -> str:
        try:
            process = subprocess.Popen(
                words,
                shell=self._settings.shell,
                cwd=self._settings.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,  # so that what it starts ends with it
            )
        except OSError as error:
            raise ActionFailed(f"The command {action} cannot be started: {error.strerror or error}.") from error
        with process:
            try:
                output, complaints = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                raise ActionFailed(f"The command {action} did not end within {timeout:g} s.") from None
            finally:
                _end(process)
        if process.returncode != 0:
            said = complaints.strip().splitlines() or output.strip().splitlines() or ["nothing"]
            raise ActionFailed(f"The command {action} ended with exit code {process.returncode}: {said[-1]}")
        return output


def _end(process: subprocess.Popen[str]) -> None:
    """End it together with what it started, where that is still there."""
    if sys.platform == "win32":
        process.kill()
    elif process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def _spelled(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
