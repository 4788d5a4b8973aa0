"""Kamailio as the server under test: the whole catalogue, and a real telephone behind it (linphonec)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import NoReturn

import pytest

from simulator.errors import SipfedError
from simulator.federation import Engine, Federation
from simulator.sut.kamailio import KamailioServer
from simulator.sut.kamailio.configuration import NEEDED, known_modules
from simulator.sut.settings import SutSettings
from tests.real.linphone import Linphone

KNOWN = files("simulator.sut.kamailio").joinpath("known.toml")


@pytest.fixture(scope="module")
def kamailio_is_there(program: Callable[[str], Path], lacking: Callable[[str], NoReturn]) -> None:
    for name in ("kamailio", "setpriv", "cc"):
        program(name)
    if not known_modules():
        lacking(f"Kamailio's modules {', '.join(NEEDED)} are not installed")


@pytest.fixture(scope="module")
def kamailio_engine(kamailio_is_there: None) -> Iterator[Engine]:
    engine = Engine(settings=SutSettings(driver="kamailio"))
    engine.start_sut()
    yield engine
    assert engine.close() == []


@pytest.fixture
def kamailio(kamailio_engine: Engine) -> Iterator[Federation]:
    federation = Federation(kamailio_engine)
    yield federation
    federation.close()


@pytest.mark.usefixtures("kamailio_is_there")
def test_the_catalogue_passes_but_for_what_is_known(tmp_path: Path) -> None:
    """What is not run is what Kamailio has no capability for; the known failures are explained in known.toml."""
    sut, statement = tmp_path / "sut.toml", tmp_path / "statement.json"
    sut.write_text('[sut]\ndriver = "kamailio"\n')
    command = [sys.executable, "-m", "simulator.cli", "run", "--sut", str(sut), "--known", str(KNOWN)]

    run = subprocess.run([*command, "--statement", str(statement)], capture_output=True, text=True, check=False)

    verdicts = [entry["verdict"] for entry in json.loads(statement.read_text())["scenarios"].values()]
    assert set(verdicts) == {"passed", "known", "not run"}, run.stdout + run.stderr
    assert verdicts.count("passed") >= 2 * verdicts.count("not run")


@pytest.mark.usefixtures("kamailio_is_there")
def test_a_telephone_behind_it_chats_with_a_plain_partner_in_both_directions(
    kamailio: Federation, program: Callable[[str], Path], tmp_path: Path
) -> None:
    bob = kamailio.partner("generic").user("bob")
    with telephone_of("linda", kamailio, program("linphonec"), tmp_path) as linda:
        linda.tell(f"chat {bob.uri} hello from linda")
        bob.expect_message("hello from linda", from_="linda@acme.test")

        bob.chat_with("linda@acme.test").say("hello linda").must_succeed()

        linda.until(f"Message received from {bob.uri}.*hello linda")


@pytest.mark.usefixtures("kamailio_is_there")
def test_a_telephone_behind_it_and_a_plain_partner_watch_each_other(
    kamailio: Federation, program: Callable[[str], Path], tmp_path: Path
) -> None:
    bob = kamailio.partner("generic").user("bob")
    with telephone_of("lisa", kamailio, program("linphonec"), tmp_path) as lisa:
        lisa.tell(f"friend add bob {bob.uri}")
        lisa.until('Friend "bob".* is Online')
        bob.set_presence("busy")
        lisa.until('Friend "bob".* is Busy')

        bob.watch("lisa@acme.test").expect("available")


def telephone_of(name: str, federation: Federation, program: Path, folder: Path) -> Linphone:
    """A telephone that has registered as this user of the server under test."""
    server = federation.sut
    assert isinstance(server, KamailioServer)
    server.admit(name)
    phone = Linphone(program, f"{name}@{server.domain}", server.phones, folder)
    phone.tell("status register")
    return phone


@pytest.mark.usefixtures("kamailio_is_there")
def test_it_ends_when_its_harness_is_killed(tmp_path: Path) -> None:
    """No orphan: the kernel tells Kamailio of its parent's end."""
    script = (
        "from simulator.federation import Engine\n"
        "from simulator.sut.settings import SutSettings\n"
        "server = Engine(settings=SutSettings(driver='kamailio')).start_sut()\n"
        "print(server.pid, flush=True)\n"
        "input()\n"
    )
    harness = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    with harness:
        assert harness.stdout is not None
        kamailio = os.pidfd_open(int(harness.stdout.readline()))
        harness.send_signal(signal.SIGKILL)

    import select

    assert select.select([kamailio], [], [], 20)[0] == [kamailio]
    os.close(kamailio)


def test_a_mistake_in_its_settings_is_told_in_its_own_words(kamailio_is_there: None, tmp_path: Path) -> None:
    from simulator.sut.kamailio.process import KamailioProcess

    script = tmp_path / "kamailio.cfg"
    script.write_text('loadmodule "no_such_module.so"\nrequest_route { }\n')
    with pytest.raises(SipfedError, match=r"(?s)Kamailio did not start:.*no_such_module"):
        KamailioProcess(script, tmp_path, resolver=(), log=print)
