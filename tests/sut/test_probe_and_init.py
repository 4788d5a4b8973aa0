"""`sipfed init` writes what a test begins with, `sipfed probe` what a server can do, and a later run finds no less."""

from __future__ import annotations

import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from cryptography import x509

from simulator.cli.init import DRIVERS as ASKED
from simulator.sut.capabilities import CAPABILITIES
from simulator.sut.settings import load
from simulator.sut.setup import DRIVERS
from tests.sut.foreign import Foreign

GIVEN = ("--domain", "acme.test", "--fqdn", "connect.acme.test", "--address", "127.0.0.20:5061", "--dns-port", "5399")


def sipfed(*arguments: str, answers: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simulator.cli", *arguments]
    return subprocess.run(command, input=answers, capture_output=True, text=True, check=False, timeout=300)


def test_every_driver_can_be_chosen_and_is_explained() -> None:
    assert tuple(DRIVERS) == ASKED


@pytest.mark.parametrize("driver", ASKED)
def test_what_init_writes_is_read_without_a_mistake(tmp_path: Path, driver: str) -> None:
    done = sipfed("init", str(tmp_path), "--driver", driver, "--bind", "", *GIVEN)

    assert done.returncode == 0, done.stderr
    settings = load(tmp_path / "sut.toml")
    assert (settings.driver, str(settings.fqdn)) == (driver, "connect.acme.test")
    assert settings.network.ca == tmp_path / "ca"
    assert "driver = " in (tmp_path / "sut.toml").read_text()


def test_init_writes_the_ca_a_certificate_of_it_and_what_to_do(tmp_path: Path) -> None:
    sipfed("init", str(tmp_path), "--driver", "http", "--bind", "192.0.2.10", *GIVEN)

    root = x509.load_pem_x509_certificate((tmp_path / "ca" / "root.crt").read_bytes())
    leaf, intermediate = x509.load_pem_x509_certificates((tmp_path / "server.chain.pem").read_bytes())
    leaf.verify_directly_issued_by(intermediate)
    intermediate.verify_directly_issued_by(root)
    if sys.platform != "win32":
        for key in (tmp_path / "ca" / "root.key", tmp_path / "server.key.pem"):
            assert stat.S_IMODE(key.stat().st_mode) == 0o600
    steps = (tmp_path / "SETUP.md").read_text()
    assert "forward-addr: 192.0.2.10@5399" in steps
    assert "forwarders { 192.0.2.10 port 5399; };" in steps
    assert str(tmp_path / "ca" / "root.crt") in steps


def test_init_asks_what_is_not_given(tmp_path: Path) -> None:
    done = sipfed("init", str(tmp_path), answers="wire-only\nacme.test\n\n127.0.0.30:5062\n\n5353\n")

    assert done.returncode == 0, done.stderr
    settings = load(tmp_path / "sut.toml")
    assert (settings.driver, str(settings.fqdn), settings.address) == (
        "wire-only",
        "connect.acme.test",
        ("127.0.0.30", 5062),
    )


def test_init_without_an_answer_names_the_options_that_are_missing(tmp_path: Path) -> None:
    done = sipfed("init", str(tmp_path), "--driver", "http", "--domain", "acme.test")

    assert done.returncode == 2
    assert "give --fqdn, --address, --bind, --dns-port." in done.stderr
    assert not list(tmp_path.iterdir())


def test_init_overwrites_nothing_and_keeps_the_ca(tmp_path: Path) -> None:
    sipfed("init", str(tmp_path), "--driver", "manual", "--bind", "", *GIVEN)
    root = (tmp_path / "ca" / "root.crt").read_bytes()

    again = sipfed("init", str(tmp_path), "--driver", "http", "--bind", "", *GIVEN)
    assert again.returncode == 2
    assert "It is there already; --force overwrites it." in again.stderr
    forced = sipfed("init", str(tmp_path), "--driver", "http", "--bind", "", *GIVEN, "--force")
    assert forced.returncode == 0
    assert (tmp_path / "ca" / "root.crt").read_bytes() == root


def test_what_cannot_be_is_a_mistake(tmp_path: Path) -> None:
    done = sipfed("init", str(tmp_path), "--driver", "http", "--bind", "8.8.8.8", *GIVEN)

    assert done.returncode == 2
    assert "8.8.8.8 is a public address" in done.stderr
    assert not list(tmp_path.iterdir())
    meant = sipfed("init", str(tmp_path), "--driver", "http", "--bind", "8.8.8.8", "--public", "8.8.8.8", *GIVEN)
    assert meant.returncode == 0, meant.stderr


def test_a_profile_is_written_and_a_later_run_must_find_no_less(foreign: Foreign, tmp_path: Path) -> None:
    foreign.start()
    path = foreign.sut_toml("http", 'without = ["certificates"]')

    done = sipfed("probe", "--sut", str(path))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "yes  chat" in done.stdout
    profile = tmp_path / "sut.profile.toml"
    found = tomllib.loads(profile.read_text())
    assert list(found["capabilities"]) == list(CAPABILITIES)
    assert found["capabilities"]["presence"] is True
    assert found["capabilities"]["certificates"] is False

    foreign.sut_toml("http", f"profile = '{profile.name}'")
    assert sipfed("run", "--sut", str(path), "chat/open-from-the-partner").returncode == 0
    foreign.sut_toml("http", f"profile = '{profile.name}'", 'without = ["presence"]')
    worse = sipfed("run", "--sut", str(path), "chat/open-from-the-partner")
    assert worse.returncode == 2
    assert "has lost the capability presence (presence: implement setPresence" in worse.stderr


def test_a_run_against_a_server_that_is_not_set_up_stops_with_one_sentence(foreign: Foreign) -> None:
    done = sipfed("run", "--sut", str(foreign.sut_toml("wire-only", "open_federation = true")))

    assert done.returncode == 2
    assert done.stderr.startswith("sipfed: preflight, address: nothing accepts connections at 127.")
    assert len(done.stderr.splitlines()) == 1


def test_a_run_names_every_mistake_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "sut.toml").write_text('[sut]\ndriver = "http"\nslow = 1\n')

    done = sipfed("run", "--sut", str(tmp_path / "sut.toml"))

    assert done.returncode == 2
    assert "line 3, sut.slow: 1 is no switch" in done.stderr
    assert "the driver http needs a table [http]" in done.stderr


def test_one_server_is_not_shared_by_several_processes(foreign: Foreign) -> None:
    done = sipfed("run", "-n", "2", "--sut", str(foreign.sut_toml("wire-only")))

    assert done.returncode == 2
    assert "--parallel: there is one server behind the driver wire-only" in done.stderr
