"""`sipfed connect-server`: the server alone, as a program."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes.ca import Authority

ROOT = Path(__file__).parent.parent.parent
SETTINGS = """\
domain = "acme.test"
fqdn = "connect.acme.test"
trusted_roots = '{roots}'

[listen]
address = "127.0.0.1"
port = {port}

[certificate]
chain = '{chain}'
key = '{key}'

[open_federation]
enabled = true

[[users]]
name = "alice"
"""


def settings(authority: Authority, folder: Path, port: int) -> Path:
    chain, key = authority.write(authority.issue("connect.acme.test"))
    path = folder / "connect.toml"
    path.write_text(SETTINGS.format(roots=authority.write_root(), chain=chain, key=key, port=port), encoding="utf-8")
    return path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "simulator.cli", "connect-server", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), env=environment(), capture_output=True, encoding="utf-8", timeout=60, check=False
    )


@pytest.mark.cites("R16", "R43")
def test_it_serves_until_it_is_told_to_stop(authority: Authority, tmp_path: Path) -> None:
    config = settings(authority, tmp_path, port=0)
    process = subprocess.Popen(
        command("--config", str(config)), env=environment(), stdout=subprocess.PIPE, encoding="utf-8"
    )
    assert process.stdout is not None
    first = process.stdout.readline()
    assert first.startswith("connect.acme.test serves acme.test at 127.0.0.1:")
    port = int(first.split(";")[0].rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5):
        pass  # it listens

    process.send_signal(signal.SIGTERM)

    output, _ = process.communicate(timeout=30)
    if sys.platform != "win32":  # there SIGTERM is the end of the process, without a last word
        assert output.splitlines()[-1].startswith("Stopped")
        assert process.returncode == 0


def test_three_mistakes_are_all_named_with_their_place(tmp_path: Path) -> None:
    broken = SETTINGS.format(roots="roots.pem", chain="chain.pem", key="key.pem", port=70000)
    config = tmp_path / "connect.toml"
    config.write_text(broken.replace("acme.test", "acme..test", 1).replace("name =", "nmae ="), encoding="utf-8")

    result = run("--config", str(config))

    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    for line, word in ((1, "acme..test"), (7, "70000"), (17, "nmae")):
        assert [text for text in result.stderr.splitlines() if f"line {line}," in text and word in text], result.stderr


def test_a_port_in_use_is_a_sentence(authority: Authority, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        result = run("--config", str(settings(authority, tmp_path, port)))

    assert result.returncode == 2
    assert result.stderr == (
        f"sipfed: listen on 127.0.0.1:{port}: "
        "this port is in use by another program; end that program or choose another port\n"
    )


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    config = tmp_path / "connect.toml"
    config.write_text(SETTINGS.format(roots="roots.pem", chain="chain.pem", key="key.pem", port=0), encoding="utf-8")

    result = run("--config", str(config))

    assert result.returncode == 2
    assert "chain.pem" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_key_that_is_not_the_certificates_is_a_sentence(authority: Authority, tmp_path: Path) -> None:
    config = settings(authority, tmp_path, port=0)
    _, other = authority.write(authority.issue("other.test"))
    text = config.read_text(encoding="utf-8")
    config.write_text("\n".join(f"key = '{other}'" if x.startswith("key") else x for x in text.splitlines()))

    result = run("--config", str(config))

    assert result.returncode == 2
    assert "key" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_example_is_a_settings_file(tmp_path: Path) -> None:
    result = run("--example")
    assert result.returncode == 0
    assert "[[static_routes.routes]]" in result.stdout


def test_without_a_file_it_says_how_to_get_one() -> None:
    result = run()
    assert result.returncode == 2
    assert "--example" in result.stderr


@pytest.fixture
def serving(authority: Authority, tmp_path: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[str], Path]]]:
    """Starts a server as a process of its own; it is ended whatever the test does."""
    processes = []

    def start() -> tuple[subprocess.Popen[str], Path]:
        config = settings(authority, tmp_path, port=0)
        process = subprocess.Popen(
            command("--config", str(config)), env=environment(), stdout=subprocess.PIPE, encoding="utf-8"
        )
        processes.append(process)
        read_until(process, "serves acme.test")
        return process, config

    yield start
    for process in processes:
        process.kill()
        process.communicate(timeout=30)


def read_until(process: subprocess.Popen[str], words: str) -> list[str]:
    """The lines up to the one with these words; fails when the process ends before."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if words in line:
            return lines
    raise AssertionError(f"the server ended and never said {words!r}: {lines}")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
def test_sighup_reads_the_settings_again(serving: Callable[[], tuple[subprocess.Popen[str], Path]]) -> None:
    process, config = serving()
    text = config.read_text()

    config.write_text(text.replace("[[users]]", "[licences]\nserver = false\n[[users]]"))
    process.send_signal(signal.SIGHUP)
    lines = read_until(process, "Warning: licences.server")
    assert "Changed licences.server: It was on and is off.\n" in lines

    config.write_text(text.replace("acme.test", "acme..test", 1))
    process.send_signal(signal.SIGHUP)
    lines = read_until(process, "line 1, domain")
    assert "The settings stay as they were, for the file has mistakes:\n" in lines

    config.write_text(text.replace('"127.0.0.1"', '"127.0.0.2"'))
    process.send_signal(signal.SIGHUP)
    lines = read_until(process, "Until then all settings stay as they were")
    assert "A restart is needed for listen.address: It was 127.0.0.1 and is 127.0.0.2.\n" in lines

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_check_says_that_all_is_in_order(authority: Authority, tmp_path: Path) -> None:
    config = settings(authority, tmp_path, port=5061)

    result = run("--check", "--config", str(config))

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"{config} is in order.\n"


def test_check_warns_and_does_not_listen(authority: Authority, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        result = run("--check", "--config", str(settings(authority, tmp_path, port)))

    assert result.returncode == 0
    warning, verdict = result.stdout.splitlines()
    assert warning.startswith("Warning: listen.port: Partners connect to port 5061")
    assert verdict.endswith("is in order.")


def test_check_names_every_mistake(authority: Authority, tmp_path: Path) -> None:
    config = settings(authority, tmp_path, port=70000)
    config.write_text(config.read_text() + "group = 'Sales'\n")

    result = run("--check", "--config", str(config))

    assert result.returncode == 2
    assert "line 7, listen.port" in result.stderr
    assert 'users[0].group: There is no group "Sales"' in result.stderr


def test_a_server_does_not_start_with_an_unfit_certificate(authority: Authority, tmp_path: Path) -> None:
    config = settings(authority, tmp_path, port=0)
    chain, key = authority.write(authority.issue("connect.acme.test", "wildcard"))
    lines = [
        f"chain = '{chain}'" if line.startswith("chain") else f"key = '{key}'" if line.startswith("key") else line
        for line in config.read_text().splitlines()
    ]
    config.write_text("\n".join(lines))

    result = run("--config", str(config))

    assert result.returncode == 2
    assert "wildcards do not count in SIP (R57)" in result.stderr
