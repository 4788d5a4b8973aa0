"""Serves the control API of one server on loopback, for as long as the server runs."""

from __future__ import annotations

import os
import secrets
from ipaddress import ip_address
from pathlib import Path

from aiohttp import web

from simulator.connect_server.control.app import make_app
from simulator.connect_server.control.handlers import Handlers
from simulator.errors import ConfigurationError, Problem

GRACE = 10.0
"Seconds that requests which are under way have to end when the server stops."


class ControlService:
    """The HTTP server of one control API; `start` and `close` are to be called on the loop."""

    def __init__(self, handlers: Handlers, token: str) -> None:
        self.token = token
        self.url = ""
        "The base URL, once it has started."
        self._runner = web.AppRunner(make_app(handlers, token), access_log=None, shutdown_timeout=GRACE)

    async def start(self, address: str, port: int) -> None:
        """Listen; ConfigurationError where the address is not loopback or cannot be taken."""
        if not ip_address(address).is_loopback:
            raise ConfigurationError(
                [Problem("control", f"{address} is no loopback address; whoever reaches this API commands the server.")]
            )
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, address, port).start()
        except OSError as error:
            await self._runner.cleanup()
            why = error.strerror or str(error)
            raise ConfigurationError([Problem("control", f"{address}:{port} cannot be listened on: {why}.")]) from error
        taken = self._runner.addresses[0][1]
        self.url = f"http://{f'[{address}]' if ':' in address else address}:{taken}"

    async def close(self) -> None:
        """Take no more requests and let those end that are under way."""
        await self._runner.cleanup()


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(32)


def token_from(path: Path) -> str:
    """The token in the file at `path`, which is made when it is not there: a line that only this user can read.

    Raises ConfigurationError when it cannot be read or made, or holds no token.
    """
    try:
        with open(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600), encoding="ascii") as file:
            file.write(new_token() + "\n")
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigurationError([Problem(str(path), f"The token cannot be written: {error.strerror}.")]) from error
    return read_token(path)


def read_token(path: Path) -> str:
    """The token in an existing file; ConfigurationError when there is none."""
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not ASCII"
        raise ConfigurationError([Problem(str(path), f"The token cannot be read: {why}.")]) from error
    if not token:
        raise ConfigurationError([Problem(str(path), "The file holds no token; write one, or delete the file.")])
    return token
