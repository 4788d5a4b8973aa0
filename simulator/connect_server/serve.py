"""Run the Connect Server alone, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.clock import SystemClock
from simulator.connect_server.administration import Administration
from simulator.connect_server.advice import certificate_warnings, examine, warnings
from simulator.connect_server.identity import own_certificate
from simulator.connect_server.server import ConnectServer
from simulator.connect_server.settings import (
    CertificateFiles,
    CertificateFolder,
    CertificateRules,
    Listen,
    ServerSettings,
)
from simulator.connect_server.settings_file import load
from simulator.errors import ConfigurationError, Problem
from simulator.io.mailbox import Mailbox
from simulator.io.timers import Timers
from simulator.names import Fqdn, SipDomain

if TYPE_CHECKING:
    from simulator.connect_server.control import models
    from simulator.connect_server.control.service import ControlService

CONTROL_LINE = "Control API: "
"What the line with its URL begins with; whoever started this process waits for it."
CAPABILITIES = frozenset(
    {
        *("receive", "chat", "show-presence", "presence", "observe-inbox", "observe-log", "observe-connections"),
        *("open-federation", "switch-open-federation", "static-routes", "licences", "groups", "identity", "time"),
        *("typing", "consent"),
    }
)
"What this server can be told over its control API; the words are those of `sipfed probe`."


@dataclass(frozen=True, slots=True)
class ControlOptions:
    """Where the control API listens, and who may use it."""

    address: str = "127.0.0.1"
    "A loopback address."
    port: int = 0
    "0 takes any free port."
    token: str = ""
    "The bearer token."


def serve(
    path: Path, say: Callable[[str], None], control: ControlOptions | None = None, *, leashed: bool = False
) -> None:
    """Serve with the settings in `path` until Ctrl-C or SIGTERM; `say` gets a sentence for everything of note.

    `leashed` also ends it when standard input ends, as it does when the process at its other end is gone.
    Raises ConfigurationError when the settings, the files they name or an address to listen on cannot be used.
    """
    asyncio.run(_run(path, say, control, leashed))


def check(path: Path) -> list[Problem]:
    """Look at everything that `serve` looks at, without serving, and return the warnings.

    ConfigurationError names every mistake.
    """
    settings = read_settings(path)
    now = SystemClock().today()
    return [*warnings(settings), *certificate_warnings(settings, own_certificate(settings, now), now)]


def read_settings(path: Path) -> ServerSettings:
    """The settings in `path`, of which the certificate too is fit to be served with; else ConfigurationError."""
    return load(path, also=lambda settings: examine(settings, SystemClock().today()))


async def _run(path: Path, say: Callable[[str], None], control: ControlOptions | None, leashed: bool) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Not loop.add_signal_handler, which Windows does not have.
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    if leashed:
        threading.Thread(target=_await_end_of_input, args=(loop, stop), daemon=True).start()
    service = Service(read_settings(path), say)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, lambda *_: loop.call_soon_threadsafe(service.reload, path))
    try:
        await service.start(control)
        await stop.wait()
    finally:
        await service.close()


def _await_end_of_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    while os.read(sys.stdin.fileno(), 4096):  # not through its buffer, whose lock would outlive the interpreter
        pass
    with contextlib.suppress(RuntimeError):  # the loop has ended by itself
        loop.call_soon_threadsafe(stop.set)


class Service:
    """One Connect Server with its clock, and all that the control API may start beside it."""

    name = "embedded Connect Server"
    version = "9"

    def __init__(self, settings: ServerSettings, say: Callable[[str], None]) -> None:
        self._settings = settings
        with_store = isinstance(settings.certificate, CertificateFolder)
        self.capabilities = CAPABILITIES | ({"certificates"} if with_store else set())
        self._say = say
        self._clock = SystemClock()
        self._timers = Timers(self._clock)
        self._errors: list[str] = []
        self._served: dict[str, _Served] = {}

    async def start(self, control: ControlOptions | None) -> None:
        """Listen for partners and, where `control` says so, for the control API."""
        asyncio.get_running_loop().set_exception_handler(self._keep_error)
        served = await self._serve("0", self._settings, self._say)
        for problem in served.server.warnings():
            self._say(f"Warning: {problem}")
        address, port = served.server.address
        settings = self._settings
        self._say(f"{settings.fqdn} serves {settings.domain} at {address}:{port}; Ctrl-C ends it.")
        if control is not None:
            await self._open_control(served, control)
            assert served.control is not None
            self._say(f"{CONTROL_LINE}{served.control.url}")

    def reload(self, path: Path) -> None:
        """Read the settings again and say what came of it; with mistakes in them everything stays as it is."""
        served = self._served.get("0")
        if served is None:
            return
        try:
            sentences = served.server.reload(path).sentences
        except ConfigurationError as error:
            self._say("The settings stay as they were, for the file has mistakes:")
            sentences = [str(problem) for problem in error.problems]
        else:
            sentences += [f"Warning: {problem}" for problem in served.server.warnings()]
        for sentence in sentences:
            self._say(sentence)

    async def close(self) -> None:
        """Let what is under way come to its end, say good-bye to partners, and stop."""
        accepted = 0
        for instance_id in list(self._served):
            served = self._served.pop(instance_id)
            await served.close()
            accepted += served.accepted
        self._timers.close()
        self._say(f"{accepted} messages were accepted for users.")
        self._say("Stopped.")

    # -- what the control API needs of its host -----------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        self._clock.advance(seconds)

    async def start_instance(self, wanted: models.NewInstance) -> models.Instance:
        from simulator.connect_server.control import models
        from simulator.connect_server.control.service import new_token

        instance_id = str(len(self._served) + 1)
        while instance_id in self._served:
            instance_id = str(int(instance_id) + 1)
        with _as_files(wanted.certificate_chain, wanted.private_key) as files:
            settings = replace(
                self._settings,
                domain=SipDomain.parse(wanted.domain),
                fqdn=Fqdn.parse(wanted.fqdn),
                listen=Listen(ip_address(wanted.address), wanted.port),
                certificate=files,
                certificate_rules=CertificateRules(unsuitable="warn"),  # what partners make of it is what is tested
            )
            served = await self._serve(instance_id, settings, self._say)
        await self._open_control(served, ControlOptions(token=new_token()))
        assert served.control is not None
        return models.Instance(url=served.control.url, token=served.control.token, id=instance_id)

    async def stop_instance(self, instance_id: str) -> None:
        if instance_id == "0":
            raise KeyError(instance_id)
        await self._served.pop(instance_id).close()

    def take_errors(self) -> list[str]:
        errors, self._errors = self._errors, []
        return errors

    # -- inside -------------------------------------------------------------------------------------------------

    async def _serve(self, instance_id: str, settings: ServerSettings, say: Callable[[str], None]) -> _Served:
        log: Mailbox[str] = Mailbox()

        def note(sentence: str) -> None:
            log.put(sentence)
            say(sentence)

        server = ConnectServer(settings, timers=self._timers, log=note)
        await server.start()
        served = self._served[instance_id] = _Served(server, Administration(server, log))
        return served

    async def _open_control(self, served: _Served, options: ControlOptions) -> None:
        from simulator.connect_server.control.handlers import Handlers
        from simulator.connect_server.control.service import ControlService

        served.control = ControlService(Handlers(served.administration, self), options.token)
        await served.control.start(options.address, options.port)

    def _keep_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        text = f"{context['message']}" + ("" if error is None else f": {type(error).__name__}: {error}")
        self._errors.append(text)
        logging.getLogger("sipfed").error(text, exc_info=error if isinstance(error, BaseException) else None)


@dataclass(eq=False, slots=True)
class _Served:
    server: ConnectServer
    administration: Administration
    control: ControlService | None = None
    accepted: int = 0

    async def close(self) -> None:
        # In this order: users' messages that are under way get their outcome, and whoever waits for it is told.
        if self.control is not None:
            await self.control.close()
        await self.server.agent.leave()
        self.accepted = sum(len(account.inbox) for account in self.server.agent.accounts.values())
        await self.server.close()


@contextlib.contextmanager
def _as_files(chain: str, key: str) -> Iterator[CertificateFiles]:
    """Files for as long as the server reads them; only this user can."""
    with tempfile.TemporaryDirectory(prefix="sipfed-instance-") as name:
        folder = Path(name)
        for file, content in (("chain.pem", chain), ("key.pem", key)):
            (folder / file).write_text(content, encoding="ascii", errors="strict")
        yield CertificateFiles(folder / "chain.pem", folder / "key.pem")
