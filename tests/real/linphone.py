"""linphonec, a telephone that others wrote, as a user behind the server under test."""

from __future__ import annotations

import queue
import subprocess
import threading
from pathlib import Path
from types import TracebackType

DEADLINE = 15.0
"Seconds until it must have said what a test expects."
SETTINGS = """\
[sip]
default_proxy=0
sip_port=-1
sip_tcp_port=-1
sip_tls_port=-1
bind_address=127.0.0.1
[net]
dns_srv_enabled=0
[misc]
store_friends=0
[proxy_0]
reg_proxy=<sip:{host}:{port};transport=tcp>
reg_route=<sip:{host}:{port};transport=tcp;lr>
reg_identity=sip:{user}
reg_expires=3600
reg_sendregister=1
publish=1
"""


class Linphone:
    """One registered user. To be used as a context manager."""

    def __init__(self, program: Path, user: str, registrar: tuple[str, int], folder: Path) -> None:
        """`user` is `user@domain`, `registrar` where it registers over plain TCP."""
        (folder / ".local" / "share" / "linphone").mkdir(parents=True)
        settings = folder / "linphonerc"
        settings.write_text(SETTINGS.format(host=registrar[0], port=registrar[1], user=user), encoding="utf-8")
        self._said: list[str] = []
        self._lines: queue.Queue[str] = queue.Queue()
        self._process = subprocess.Popen(
            [str(program), "-c", str(settings), "-d", "0"],
            cwd=folder,
            env={"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Linphone:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._reader.join()
        self._process.__exit__(kind, error, trace)

    def tell(self, command: str) -> None:
        """One line of its own language: `chat sip:bob@fabrikam.test hello`, `friend add bob sip:…`."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def expect(self, text: str) -> str:
        """The next line that contains `text`; what comes before it is passed over."""
        while True:
            try:
                line = self._lines.get(timeout=DEADLINE)
            except queue.Empty:
                raise AssertionError(f"linphonec did not say {text!r}; it said:\n{''.join(self._said)}") from None
            if text in line:
                return line

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.append(line)
            self._lines.put(line)
