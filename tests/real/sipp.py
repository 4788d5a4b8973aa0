"""SIPp with TLS: Debian builds it without, so stunnel holds the certificates and SIPp speaks TCP to it."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from tests.real.tunnels import PLAIN_PORT, Tunnels, running

SCENARIOS = Path(__file__).parent / "sipp_scenarios"
IN_FLIGHT = 64
"Calls that SIPp keeps going at the same time."
DEADLINE = 300
"Seconds for a whole run; it is there so that nothing hangs."


def processor_seconds(process: subprocess.Popen[str]) -> float:
    """Seconds that a running process, all its threads together, has been on a processor; Linux only."""
    return time.clock_gettime((~process.pid << 3) | 2)


@dataclass(frozen=True)
class Sipp:
    """SIPp as one organisation, behind the tunnels of its edge."""

    sipp: Path
    tunnels: Tunnels
    "Whose `PLAIN_PORT` takes its calls, and who bring it those of others."
    domain: str
    "The SIP domain that it calls itself by."

    @contextmanager
    def calling(self, scenario: str, calls: int, user: str, their_domain: str) -> Iterator[Run]:
        """SIPp makes `calls` calls through `tunnels.to`, as fast as the answers come."""
        where = [
            "-p",
            str(PLAIN_PORT + 2),
            "-rsa",
            f"{self.tunnels.address}:{PLAIN_PORT}",
            f"{self.tunnels.address}:{PLAIN_PORT}",
        ]
        rate = ["-r", "1000000", "-s", user, "-key", "their_domain", their_domain]
        with self._sipp(scenario, calls, *where, *rate) as run:
            yield run

    @contextmanager
    def answering(self, scenario: str, calls: int, **texts: str) -> Iterator[Run]:
        """SIPp takes `calls` calls from `tunnels.from_others`; entered when it listens.

        `texts` are written into the scenario in place of their names.
        """
        with self._sipp(scenario, calls, "-p", str(PLAIN_PORT + 1), **texts) as run:
            run.until_it_listens(self.tunnels.address, PLAIN_PORT + 1)
            yield run

    @contextmanager
    def _sipp(self, scenario: str, calls: int, *options: str, **texts: str) -> Iterator[Run]:
        folder = self.tunnels.folder
        file = folder / f"{scenario}.xml"
        wanted = (SCENARIOS / file.name).read_text(encoding="utf-8")
        for name, text in texts.items():
            wanted = wanted.replace(name, escape(text))
        file.write_text(wanted, encoding="utf-8")
        errors, screen = folder / f"{scenario}.errors", folder / f"{scenario}.screen"
        command = [str(self.sipp), "-sf", str(file), "-t", "t1", "-i", self.tunnels.address, "-nostdin"]
        command += ["-m", str(calls), "-l", str(IN_FLIGHT), "-timeout", f"{DEADLINE}s", "-timeout_error"]
        # Its watchdog calls it an error when the machine was busy with something else for half a second.
        command += ["-trace_err", "-error_file", str(errors), "-watchdog_interval", "86400000"]
        command += [
            "-key",
            "own_domain",
            self.domain,
            "-key",
            "own_host",
            f"{self.tunnels.fqdn}:{self.tunnels.port}",
            *options,
        ]
        with screen.open("w") as output, running(command, folder, output) as process:
            yield Run(process, screen, errors)


@dataclass(frozen=True)
class Run:
    """SIPp at work."""

    process: subprocess.Popen[str]
    screen: Path
    "What it shows, every second and at the end."
    errors: Path
    "What went otherwise than the scenario says; only there when anything did."

    def until_it_listens(self, address: str, port: int) -> None:
        """Wait until the kernel lists its socket: it says nothing itself, and to try it would be a call."""
        number = int.from_bytes(socket.inet_aton(address), sys.byteorder)
        while not re.search(rf" {number:08X}:{port:04X} \S+ 0A ", Path("/proc/net/tcp").read_text()):
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.01)
                raise AssertionError(f"SIPp did not start:\n{self.screen.read_text()}")

    def must_succeed(self) -> None:
        """Wait for the end; every call must have gone as the scenario says, and nothing else may have come."""
        status = self.process.wait(DEADLINE + 10)
        errors = self.errors.read_text(errors="replace")[:4000] if self.errors.exists() else ""
        assert status == 0, f"SIPp ended with {status}.\n{errors}\n{self.screen.read_text()[-4000:]}"
        assert errors == "", errors
