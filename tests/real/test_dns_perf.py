"""dnsperf asks as fast as it can, and loses nothing."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.dns import Transport, Zone, ZoneSet, running

SECONDS = "SIPFED_DNSPERF_SECONDS"
"How long each run takes; 30 is what shows that it holds."
DOMAINS = 200
OUTSTANDING = 100


@pytest.mark.parametrize("over", ["udp", "tcp"])
def test_dnsperf_loses_no_query(program: Callable[[str], Path], tmp_path: Path, over: Transport) -> None:
    """A third of the questions is for names that do not exist."""
    path, seconds = program("dnsperf"), os.environ.get(SECONDS, "3")
    origins = [f"partner{number}.test" for number in range(DOMAINS)]
    questions = tmp_path / "questions"
    questions.write_text(
        "".join(f"_sipfederationtls._tcp.{o} SRV\nsip.{o} A\nnobody.{o} A\n" for o in origins), encoding="ascii"
    )
    zones = [Zone(o).srv("_sipfederationtls._tcp", 0, 0, 5061, f"sip.{o}").a("sip", "127.1.2.3") for o in origins]
    with running(ZoneSet(zones)) as server:
        command = [str(path), "-s", server.address, "-p", str(server.port), "-d", str(questions), "-m", over]
        result = subprocess.run(
            [*command, "-l", seconds, "-q", str(OUTSTANDING)], capture_output=True, text=True, timeout=300, check=True
        )
        print(result.stdout)
        sent, completed, lost = (
            int(re.search(rf"Queries {what}:\s+(\d+)", result.stdout)[1])  # type: ignore[index] # or it fails, rightly
            for what in ("sent", "completed", "lost")
        )

        assert lost == 0
        assert sent == completed > OUTSTANDING
        assert server.query_count == completed
    codes = re.search(r"Response codes:\s+(.*)", result.stdout)
    assert codes is not None
    assert set(re.findall(r"[A-Z]+", codes[1])) == {"NOERROR", "NXDOMAIN"}
