"""Kamailio as a child process: started, told over its RPC, ended, and never left behind."""

from __future__ import annotations

import http.client
import json
import os
import platform
import queue
import shutil
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from simulator.errors import ConfigurationError, Problem, SipfedError

START = 15.0
"Seconds until it must be ready."
RPC = 10.0
"Seconds for the answer to one RPC."
READY = "ready for requests"
PROGRAMS = ("/usr/sbin", "/usr/local/sbin", "/sbin")
"Where servers are that are not in an ordinary user's PATH."
KEPT_LINES = 500


class KamailioProcess:
    """One running Kamailio.

    It ends with its parent, even if that is killed: the kernel sends it SIGTERM then (`setpriv --pdeathsig`), which is
    why it must be started by a thread that lives as long as it should, the main thread as a rule.
    """

    def __init__(self, script: Path, folder: Path, *, resolver: Sequence[str], log: Callable[[str], object]) -> None:
        """`resolver` is the command before Kamailio's own that sends its DNS questions to us; `log` gets its lines."""
        self._log = log
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._ready: queue.Queue[bool] = queue.Queue()
        self._stopping = False
        command = [
            _program("setpriv"), "--pdeathsig", "TERM", *resolver,
            _program("kamailio"), "-DD", "-E", "-f", str(script), "-Y", str(folder), "-m", "512", "-M", "16",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            errors="replace", start_new_session=True,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, name="kamailio-log", daemon=True)
        self._reader.start()
        try:
            ready = self._ready.get(timeout=START)
        except queue.Empty:
            ready = False
        if not ready:
            self.close()
            said = "\n".join(line for line in self._lines if "ERROR" in line or "CRITICAL" in line or "listen" in line)
            raise SipfedError(f"Kamailio did not start:\n{said or chr(10).join(self._lines)}")

    @property
    def pid(self) -> int:
        """Its main process."""
        return self._process.pid

    def close(self) -> None:
        """End it and wait for its end."""
        self._stopping = True
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                if sys.platform == "linux":
                    os.killpg(self._process.pid, 9)
                self._process.wait(5)
        self._reader.join(5)

    def _read(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as lines:
            for line in lines:
                line = line.rstrip()
                self._lines.append(line)
                if line.endswith(READY):
                    self._ready.put(True)
                elif not self._stopping and ("<script>" in line or "ERROR" in line):
                    self._log(line)
        self._ready.put(False)


class Rpc:
    """Kamailio's JSON-RPC over HTTP."""

    def __init__(self, address: str, port: int, token: str) -> None:
        self._address = address
        self._port = port
        self._token = token

    def call(self, method: str, *params: str | int) -> object:
        """The result of one call; SipfedError with its own words when it fails."""
        connection = http.client.HTTPConnection(self._address, self._port, timeout=RPC)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        try:
            connection.request("POST", "/rpc", body, {"X-Token": self._token, "Content-Type": "application/json"})
            answer = json.loads(connection.getresponse().read() or b"{}")
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise SipfedError(f"Kamailio did not answer the RPC {method}: {error}") from error
        finally:
            connection.close()
        if "error" in answer:
            raise SipfedError(f"Kamailio refused the RPC {method}: {answer['error'].get('message', answer['error'])}")
        return answer.get("result")


def resolver_at(address: str, port: int, folder: Path) -> list[str]:
    """The command that makes the C library of what follows it ask `address` and `port`.

    With root and port 53 it is a private mount namespace with a resolv.conf of its own; otherwise a small library that
    is put in front, for which a C compiler is needed. The C library's own settings know no port.
    """
    if sys.platform == "linux" and port == 53 and os.geteuid() == 0:
        own = folder / "resolv.conf"
        own.write_text(f"nameserver {address}\noptions attempts:1 timeout:2\n", encoding="utf-8")
        mount = f'mount --bind "{own}" /etc/resolv.conf && exec "$@"'
        return [_program("unshare"), "--mount", "--propagation", "private", "sh", "-c", mount, "sh"]
    library = _build_shim(folder)
    return [
        _program("env"), f"LD_PRELOAD={library}", f"SIPFED_DNS_ADDRESS={address}", f"SIPFED_DNS_PORT={port}"
    ]  # fmt: skip


def _build_shim(folder: Path) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise ConfigurationError(
            [
                Problem(
                    "driver kamailio", "its DNS can be pointed at ours by root, or with a C compiler; `apt install gcc`"
                )
            ]
        )
    library = folder / "resolver.so"
    source = Path(__file__).with_name("resolver.c")
    built = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-lresolv", "-ldl"],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        raise ConfigurationError([Problem("driver kamailio", f"resolver.c does not compile: {built.stderr.strip()}")])
    return library


def _program(name: str) -> str:
    if platform.system() != "Linux":
        raise ConfigurationError([Problem("driver kamailio", "it runs on Linux only")])
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(PROGRAMS))
    if path is None:
        raise ConfigurationError([Problem("driver kamailio", f"the program {name} is not installed")])
    return path
