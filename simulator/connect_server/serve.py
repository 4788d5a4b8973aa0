"""Run the Connect Server alone, until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from simulator.clock import SystemClock
from simulator.connect_server.server import ConnectServer
from simulator.connect_server.settings import load, warnings
from simulator.io.timers import Timers


def serve(path: Path, say: Callable[[str], None]) -> None:
    """Serve with the settings in `path` until Ctrl-C or SIGTERM; `say` gets a sentence for everything of note.

    Raises ConfigurationError when the settings, the files they name or the address to listen on cannot be used.
    """
    settings = load(path)
    for problem in warnings(settings):
        say(f"Warning: {problem}")

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Not loop.add_signal_handler, which Windows does not have.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
        timers = Timers(SystemClock())
        server = ConnectServer(settings, timers=timers, log=say)
        await server.start()
        address, port = server.address
        say(f"{settings.fqdn} serves {settings.domain} at {address}:{port}; Ctrl-C ends it.")
        try:
            await stop.wait()
        finally:
            await server.close()
            timers.close()
        say("Stopped.")

    asyncio.run(run())
