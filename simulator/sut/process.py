"""The driver `embedded-process`: the embedded Connect Server as a child process that never outlives us."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Final

from simulator.connect_server.control.service import new_token
from simulator.connect_server.serve import CONTROL_LINE
from simulator.connect_server.settings import CertificateFiles, ServerSettings
from simulator.errors import SipfedError
from simulator.sut.base import SERVER_DAYS, ServerUnderTest, Surroundings
from simulator.sut.http import connect
from simulator.sut.settings import SutSettings

START_TIME: Final = 60.0
"Seconds that the child has until it listens; a loaded machine imports slowly."
STOP_TIME: Final = 20.0
"Seconds that it has to end by itself."
KEPT_LINES: Final = 200


def embedded_process(settings: SutSettings, around: Surroundings) -> ServerUnderTest:
    """The driver: starts the child and connects to its control API."""
    from simulator.sut.embedded import default_settings

    certificate = around.authority.issue(str(settings.server_fqdn), valid_days=SERVER_DAYS)
    server = default_settings(around, settings.domain, settings.server_fqdn, certificate)
    config = around.authority.write_file("connect.toml", as_toml(server).encode())
    child = ServerProcess(config)
    try:
        remote = connect(around, child.url, child.token, settings=settings, on_close=child.close)
    except BaseException:
        child.close()
        raise
    remote.child = child
    return remote


class ServerProcess:
    """`sipfed connect-server` as a child: its standard input is a pipe, and when we are gone, so is the child."""

    def __init__(self, config: Path) -> None:
        """Start it and wait until it listens; SipfedError with its last words when it does not."""
        self.token = new_token()
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        "What it said last."
        self._ready = threading.Event()
        self.url = ""
        command = [sys.executable, "-m", "simulator.cli", "connect-server", "--config", str(config)]
        command += ["--control", "127.0.0.1:0", "--leashed"]
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, name="sipfed-child", daemon=True)
        self._reader.start()
        try:
            self._tell(self.token + "\n")
            self._ready.wait(START_TIME)
            if not self.url:
                self._child.kill()
                self._reader.join()
                said = "\n".join(self.lines) or "nothing"
                raise SipfedError(f"The embedded server did not start as a process; it said: {said}")
        except BaseException:
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    def close(self) -> None:
        """Let it end by itself, or end it when that takes too long; a second call does nothing."""
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.close()
        try:
            self._child.wait(STOP_TIME)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._reader.join()
        assert self._child.stdout is not None
        self._child.stdout.close()

    def _tell(self, text: str) -> None:
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # what it said before it ended says more
            self._child.stdin.write(text)
            self._child.stdin.flush()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self.lines.append(line.rstrip("\n"))
            if line.startswith(CONTROL_LINE):
                self.url = line.removeprefix(CONTROL_LINE).strip()
                self._ready.set()
        self._ready.set()


def as_toml(settings: ServerSettings) -> str:
    """A settings file for `sipfed connect-server`."""
    own = settings.certificate
    if isinstance(own, CertificateFiles):
        certificate = [f"chain = {_text(own.chain)}", f"key = {_text(own.key)}"]
    else:
        certificate = [f"store = {_text(own.folder)}"]
    lines = [
        f"domain = {_text(settings.domain)}",
        f"fqdn = {_text(settings.fqdn)}",
        f"trusted_roots = {_text(settings.trusted_roots)}",
        "[listen]",
        f"address = {_text(settings.listen.address)}",
        f"port = {settings.listen.port}",
        "[certificate]",
        *certificate,
        "[open_federation]",
        f"enabled = {_flag(settings.open_federation.enabled)}",
        "[static_routes]",
        f"enabled = {_flag(settings.static_routes.enabled)}",
    ]
    rules = settings.certificate_rules
    lines += ["[certificate_rules]", f"usage = {_text(rules.usage)}", f"authority = {_text(rules.authority)}"]
    lines += [f"scopes = {_text(rules.scopes)}", f"unsuitable = {_text(rules.unsuitable)}"]
    if settings.dns is not None:
        address = f"[{settings.dns.address}]" if settings.dns.address.version == 6 else f"{settings.dns.address}"
        lines += ["[dns]", f'server = "{address}:{settings.dns.port}"']
    for user in settings.users:
        lines += ["[[users]]", f"name = {_text(user.name)}", f"display_name = {_text(user.display_name)}"]
        lines += [f"office_plus = {_flag(user.office_plus)}"]
        if user.federation is not None:
            lines += [f"federation = {_flag(user.federation)}"]
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _flag(value: bool) -> str:
    return "true" if value else "false"
