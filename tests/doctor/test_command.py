"""`sipfed doctor` as a program: exit codes, what it prints, and what it never prints."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

import simulator
from simulator.cli import main
from simulator.cli.doctor import doctor as command
from simulator.doctor import Step
from simulator.doctor.checkup import STEP_LIMIT
from simulator.doctor.display import TableDisplay, display_for
from simulator.doctor.report import MAX_LINE, SCHEMA
from simulator.doctor.steps import TITLES
from simulator.federation import Federation
from simulator.io.probe import PROBES
from simulator.sip import Request
from tests.doctor.conftest import Doctor, Findings, Servers

SOURCES = Path(simulator.__file__).parents[1]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


def validated(output: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(output)
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(document, schema, format_checker=jsonschema.FormatChecker())
    return document


def test_a_healthy_partner_exits_with_0_and_a_line_for_each_step(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner()

    result = run(str(partner.domain), *doctor.files())

    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    steps = [line for line in lines if line.startswith(("ok ", "warning "))]
    assert [line[13:31].rstrip() for line in steps] == list(TITLES.values())
    assert f"sip.{partner.domain}:5061 at {partner.edge.address}" in lines
    assert any(line.startswith("Out of scope: whether") for line in lines)
    assert lines[-1] == f"{partner.domain}: everything is in order. Worth a look: Revocation list."


def test_something_wrong_exits_with_1_and_says_what_to_change(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner(certificate="expired")

    result = run(str(partner.domain), *doctor.files())

    assert result.exit_code == 1
    assert "             To change: Renew the certificate" in result.output
    assert result.output.splitlines()[-1].startswith(f"{partner.domain}: Validity went wrong.")


def test_what_could_not_be_checked_is_in_the_verdict(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner()
    files = [*doctor.files()[:4]]

    result = run(str(partner.domain), *files)

    assert result.exit_code == 0
    assert "no fault was found, but Our certificate and SIP OPTIONS could not be checked" in result.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing argument"),
        (["single"], "'single' is not a valid name"),
        (["acme.test", "--dns", "nowhere"], "--dns: 'nowhere' is no IP address"),
        (["acme.test", "--host", "a.test", "--expect", "b.test"], "only one of them"),
        (["acme.test", "--timeout", "0"], "--timeout"),
        (["acme.test", "--probe", "ping"], "--probe"),
        (["acme.test", "--certificate", "no-such-file"], "does not exist"),
    ],
)
def test_a_wrong_command_exits_with_2_and_one_sentence(arguments: list[str], words: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output


def test_the_options_of_the_command_are_those_of_the_package() -> None:
    """The command imports the package only when it runs, so it repeats two things."""
    options = {parameter.name: parameter for parameter in command.params}

    assert list(options["probe"].type.choices) == list(PROBES)  # type: ignore[attr-defined]
    assert options["timeout"].default == STEP_LIMIT


@pytest.mark.parametrize("certificate", ["dual", "expired", "server-only", "self-signed"])
@pytest.mark.parametrize("our_side", [[], ["--our-side"]])
def test_the_json_follows_its_schema(
    doctor: Doctor, federation: Federation, certificate: str, our_side: list[str]
) -> None:
    partner = federation.partner(certificate=certificate)

    result = run(str(partner.domain), "--json", *our_side, *doctor.files())

    document = validated(result.output)
    assert document["domain"] == str(partner.domain)
    assert document["from"] == str(federation.sut.domain)
    assert document["side"] == ("ours" if our_side else "partner")
    assert (document["verdict"] == "bad") is (result.exit_code == 1)
    by_id = {step["id"]: step for step in document["steps"]}
    assert list(by_id) == list(TITLES)
    assert by_id["srv"]["data"]["records"] == [
        {"priority": 0, "weight": 0, "port": 5061, "target": str(partner.edge.fqdn)}
    ]
    assert by_id["srv"]["where"] is None
    assert by_id["sip"]["data"]["status"] == 200


def test_the_json_of_what_did_not_run_follows_its_schema(doctor: Doctor, federation: Federation) -> None:
    partner = federation.partner(srv=False)
    static = f"{partner.edge.address}:{partner.edge.port}"

    assert validated(run(str(partner.domain), "--json", *doctor.files()).output)["verdict"] == "bad"
    document = validated(run(str(partner.domain), "--json", "--host", static, *doctor.files()).output)
    assert document["mode"] == "static"
    document = validated(run(str(partner.domain), "--json", *doctor.files()[:4], "--host", static).output)
    assert document["from"] == "sipfed.invalid"


def test_the_schema_refuses_what_is_no_report() -> None:
    with pytest.raises(jsonschema.ValidationError):
        validated("{}")
    step: dict[str, Any] = {
        "id": "ping",
        "title": "",
        "where": None,
        "result": "ok",
        "seconds": 0,
        "seen": [""],
        "change": None,
        "data": {},
    }
    report: dict[str, Any] = {
        "version": 1,
        "domain": "acme.test",
        "mode": "open",
        "side": "partner",
        "from": "acme.test",
        "at": "2026-11-22T00:00:00+00:00",
        "verdict": "good",
        "steps": [],
        "notes": [],
    }
    validated(json.dumps(report))
    with pytest.raises(jsonschema.ValidationError, match="'ping' is not one of"):
        validated(json.dumps(report | {"steps": [step]}))


HOSTILE = ("Server", "\x1b[2Jevil\x07\u202e")


def hostile(request: Request) -> bytes:
    return bytes(request.respond(404, headers=[HOSTILE]))


def test_what_a_peer_sends_never_reaches_the_terminal(doctor: Doctor, servers: Servers) -> None:
    with servers.edge(hostile) as server:
        plain = run(str(server.domain), *doctor.files())
        as_json = run(str(server.domain), "--json", *doctor.files())

    assert r"Server: \x1b[2Jevil\x07\u202e" in plain.output
    assert not set(plain.output + as_json.output) & {"\x1b", "\x07", "\u202e"}
    validated(as_json.output)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown_on_a_terminal(found: Findings) -> str:
    terminal = Terminal()
    display = display_for(terminal, as_json=False)
    assert isinstance(display, TableDisplay)
    with display:
        for step in found.report.steps:
            display.add(step)
    terminal.seek(0)
    terminal.truncate()
    display.finish(found.report)
    return terminal.getvalue()


def test_a_terminal_gets_a_table(doctor: Doctor, servers: Servers) -> None:
    with servers.edge(hostile) as server:
        found = doctor(server.domain)

    shown = shown_on_a_terminal(found)

    for title in TITLES.values():
        assert title in shown
    assert server.where.partition(" at ")[0] in shown
    assert "\\x1b[2Jevil" in shown
    assert "\x1b[2J" not in shown
    assert "\x07" not in shown


def test_a_sentence_of_a_peer_is_cut(doctor: Doctor, servers: Servers) -> None:
    with servers.edge(lambda request: bytes(request.respond(404, headers=[("Server", "x" * 5000)]))) as server:
        result = run(str(server.domain), *doctor.files())

    assert max(map(len, result.output.splitlines())) <= MAX_LINE + 13


def start(*arguments: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "simulator.cli", "doctor", *arguments],
        env=kept | {"PYTHONPATH": str(SOURCES), "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process")
def test_ctrl_c_ends_it_with_one_line(doctor: Doctor, servers: Servers) -> None:
    """In the middle of a handshake with a server that never answers."""
    with servers.deaf() as (server, listener):
        program = start(str(server.domain), "--timeout", "600", *doctor.files())
        try:
            connection, _ = listener.accept()
            with connection:
                assert program.stdout is not None
                first = program.stdout.readline()
                program.send_signal(signal.SIGINT)
                _, errors = program.communicate(timeout=30)
        finally:
            program.kill()

    assert program.returncode == 130
    assert errors == "sipfed: interrupted\n"
    assert first.startswith("warning      SRV record"), "a step is shown before the next one has ended"


def test_help_and_other_commands_do_not_pay_for_the_doctor() -> None:
    code = (
        "import sys, simulator.cli\n"
        "heavy = {'simulator.doctor', 'dns', 'aiohttp', 'OpenSSL', 'cryptography', 'rich', 'asyncio'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": str(SOURCES)})


def test_a_report_needs_no_list_over_http_where_none_is_named(doctor: Doctor, federation: Federation) -> None:
    """aiohttp takes longer to import than all steps together."""
    partner = federation.partner()
    code = (
        "import sys\n"
        "from simulator.cli import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "assert 'aiohttp' not in sys.modules and 'rich' not in sys.modules\n"
    )
    arguments = ["doctor", str(partner.domain), *doctor.files()]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_a_step_names_its_title() -> None:
    from simulator.doctor import Result as StepResult

    assert Step("sip", StepResult.OK, ("seen",)).title == "SIP OPTIONS"
