"""`sipfed run` and `sipfed list`, as programs, on small made-up catalogues."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from simulator.scenarios.reporter import LiveDisplay, display_for
from simulator.scenarios.text import aligned, printable
from tests.made_up import FAILING, GOOD, HEAD, SKIPPING, Sipfed


@pytest.fixture
def sipfed(tmp_path: Path) -> Sipfed:
    return Sipfed(tmp_path)


def test_a_run_where_all_pass_exits_with_0_and_sums_up_by_area(sipfed: Sipfed) -> None:
    sipfed.add(test_open_federation=GOOD, test_trust=GOOD)
    run = sipfed("run")
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    as_areas_end, summary = lines[: lines.index("")], lines[lines.index("") + 1 : -2]
    assert [line.split()[:3] for line in as_areas_end] == [["open-federation", "3", "passed"], ["trust", "3", "passed"]]
    assert [line.split()[:4] for line in summary] == [
        ["area", "passed", "failed", "not"],
        ["open-federation", "3", "0", "0"],
        ["trust", "3", "0", "0"],
        ["total", "6", "0", "0"],
    ]
    assert lines[-1].startswith("6 scenarios passed in ")
    assert run.stderr == ""


def test_a_failure_shows_what_was_expected_why_it_is_not_so_and_the_evidence(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING, test_names=GOOD)
    run = sipfed("run")
    assert run.returncode == 1
    report = run.stdout.partition("FAILED trust/wildcard  (must, R40, F1.22)\n")[2]
    assert report.startswith(
        "  Expected: A wildcard certificate is refused.\n"
        "  But: The edge accepted *.fabrikam.test.\n"
        "  R40: For a domain D the SRV record _sipfederationtls._tcp.D must exist.\n"
        "  F1.22: A missing SRV record ends in 504 with 1008, a missing address in 504 with 1014.\n"
        "\n"
        "  Captured stdout call:\n"
        "  from the peer: \\x1b[2J\n"
    )
    assert "test_trust.py:" in report
    assert run.stdout.splitlines()[-1].startswith("Finished after ")
    assert run.stdout.splitlines()[-1].endswith("of 5 scenarios 4 passed, 1 failed.")


def test_a_section_that_a_plugin_adds_to_a_failure_is_shown(sipfed: Sipfed) -> None:
    sipfed.add(
        test_trust=FAILING,
        conftest="""
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        report.sections.append(("sipfed evidence", "0 ms  sut -> edge  ClientHello"))
    return report
""",
    )
    for options in ((), ("-n", "1")):
        run = sipfed("run", *options)
        assert "  sipfed evidence:\n  0 ms  sut -> edge  ClientHello\n" in run.stdout


def test_what_did_not_run_is_listed_with_its_reason_and_is_not_green(sipfed: Sipfed) -> None:
    sipfed.add(test_presence=SKIPPING)
    run = sipfed("run")
    assert run.returncode == 3
    assert "NOT RUN, because the server has no presence\n  presence/change\n" in run.stdout
    assert run.stdout.splitlines()[-1].endswith("of 2 scenarios 1 passed, 1 not run.")


def test_a_failure_counts_more_than_what_did_not_run(sipfed: Sipfed) -> None:
    sipfed.add(test_presence=SKIPPING, test_trust=FAILING)
    assert sipfed("run").returncode == 1


def test_a_module_that_cannot_be_imported_fails_the_run_and_the_others_still_run(sipfed: Sipfed) -> None:
    sipfed.add(test_broken=GOOD + "import no_such_module\n", test_names=GOOD)
    for options in ((), ("-n", "2")):
        run = sipfed("run", *options)
        assert run.returncode == 1
        assert run.stdout.count("FAILED area broken") == 1
        assert "No module named 'no_such_module'" in run.stdout
        assert run.stdout.splitlines()[-1].endswith("of 3 scenarios 3 passed; area broken could not be run.")
    assert sipfed("run", "names").returncode == 0
    (sipfed.cwd / "test_own.py").write_text("from pathlib import Path\nPath('was-run').touch()\n", encoding="utf-8")
    run = sipfed("run", "broken/one")
    assert run.returncode == 1
    assert "No module named 'no_such_module'" in run.stdout
    assert run.stdout.splitlines()[-1].endswith("s: area broken could not be run.")
    assert not (sipfed.cwd / "was-run").exists()


def test_fail_fast_stops_and_says_what_never_started(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING)
    run = sipfed("run", "-x")
    assert run.returncode == 1
    assert "NOT RUN, because the run ended before its turn\n  trust/expired\n" in run.stdout


def test_fail_fast_in_parallel_is_a_failure_and_no_interruption(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING)
    run = sipfed("run", "-x", "-n", "1")
    assert run.returncode == 1
    assert "Interrupted" not in run.stdout


def test_a_parallel_run_reports_the_same(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING, test_names=GOOD, test_presence=SKIPPING)
    run = sipfed("run", "-n", "2")
    assert run.returncode == 1
    assert "FAILED trust/wildcard" in run.stdout
    assert "NOT RUN, because the server has no presence\n  presence/change\n" in run.stdout
    assert run.stdout.splitlines()[-1].endswith("of 7 scenarios 5 passed, 1 failed, 1 not run.")


def test_a_process_of_a_parallel_run_that_dies_fails_its_scenario(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=HEAD + '@must\ndef test_dies():\n    """It dies."""\n    os._exit(9)\n', test_names=GOOD)
    run = sipfed("run", "-n", "1")
    assert run.returncode == 1
    assert "FAILED trust/dies" in run.stdout
    assert "  But: worker 'gw0' crashed while running 'test_trust.py::test_dies'\n" in run.stdout
    assert run.stdout.splitlines()[-1].endswith("of 4 scenarios 3 passed, 1 failed.")


UNQUIET = (
    HEAD
    + '''
@pytest.fixture
def partner():
    yield
    raise ExpectationFailed("a message came that nobody expected.")

@must
def test_quiet(partner):
    """Nothing else is sent."""

@must
def test_wrong(partner):
    """It answers 200."""
    print("seen only once")
    raise ExpectationFailed("it answered 500.")
'''
)


def test_a_failure_in_tear_down_fails_the_scenario_although_it_passed(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=UNQUIET)
    run = sipfed("run", "trust/quiet")
    assert run.returncode == 1
    assert run.stdout.splitlines()[0].split()[:3] == ["trust", "1", "failed"]
    assert "  But: a message came that nobody expected. (in teardown)\n" in run.stdout


def test_a_scenario_that_also_fails_in_tear_down_tells_the_first_cause_and_its_output_once(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=UNQUIET)
    run = sipfed("run", "trust/wrong")
    assert "  But: it answered 500.\n" in run.stdout
    assert "a message came that nobody expected." in run.stdout
    assert run.stdout.count("  seen only once\n") == 1
    assert run.stdout.splitlines()[-1].endswith("of 1 scenario 1 failed.")


def test_a_known_failure_and_an_unexpected_pass_are_not_green(sipfed: Sipfed) -> None:
    known = '@pytest.mark.xfail(reason="bug 7")\n@must\ndef test_{0}():\n    """It works."""\n    assert {1}\n'
    sipfed.add(test_trust=HEAD + known.format("bad", "False") + known.format("mended", "True"))
    run = sipfed("run")
    assert run.returncode == 1
    assert "  But: fails as it is known to: bug 7\n" in run.stdout
    assert "  But: [XPASS(strict)] bug 7\n" in run.stdout


def test_ctrl_c_ends_the_run_with_a_summary_and_130(sipfed: Sipfed) -> None:
    sipfed.add(
        test_names=GOOD,
        test_trust=HEAD + '@must\ndef test_long():\n    """It is long."""\n    raise KeyboardInterrupt\n',
    )
    run = sipfed("run")
    assert run.returncode == 130
    assert run.stdout.splitlines()[-1].startswith("Interrupted after ")
    assert run.stdout.splitlines()[-1].endswith("of 4 scenarios 3 passed, 1 not run.")


def test_ctrl_c_while_the_catalogue_is_read_is_130_too(sipfed: Sipfed) -> None:
    sipfed.add(test_trust="raise KeyboardInterrupt\n")
    for command in ("run", "list"):
        run = sipfed(command)
        assert run.returncode == 130
        assert run.stdout == ""
        assert run.stderr == "sipfed: interrupted\n"


def test_an_unknown_selector_is_a_sentence_and_nothing_runs(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING)
    for command in ("run", "list"):
        run = sipfed(command, "trust/wildcrad", "nope")
        assert run.returncode == 2
        assert run.stdout == ""
        first, second = run.stderr.splitlines()
        assert first.startswith("sipfed: selector 'trust/wildcrad': no scenario has this name. Did you mean trust/wild")
        assert second.startswith("selector 'nope': ")


def test_only_what_is_selected_runs(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING, test_names=GOOD)
    run = sipfed("run", "-v", "names/example[ten]", "*/expired")
    assert run.returncode == 0
    assert [line.split()[:2] for line in run.stdout.splitlines() if line.startswith("passed")] == [
        ["passed", "names/example[ten]"],
        ["passed", "trust/expired"],
    ]


@pytest.mark.parametrize("processes", ["0", "-1", "two", "1.5"])
def test_a_senseless_number_of_processes_is_refused(sipfed: Sipfed, processes: str) -> None:
    sipfed.add(test_names=GOOD)
    run = sipfed("run", "-n", processes)
    assert run.returncode == 2
    assert "neither a whole number above zero nor 'auto'" in run.stderr


def test_a_complaint_of_a_plugin_is_sentences_without_traceback(sipfed: Sipfed) -> None:
    sipfed.add(
        test_names=GOOD,
        conftest="""
from simulator.errors import ConfigurationError, Problem

def pytest_configure(config):
    if config.option.collectonly:
        return
    raise ConfigurationError([Problem("sut.toml: domain", "is missing."), Problem("sut.toml: port", "is 0.")])
""",
    )
    for options in ((), ("-n", "2")):
        run = sipfed("run", *options)
        assert run.returncode == 2
        assert run.stdout == ""
        assert run.stderr == "sipfed: sut.toml: domain: is missing.\nsut.toml: port: is 0.\n"


def test_a_fixture_that_ends_the_session_is_a_sentence(sipfed: Sipfed) -> None:
    source = (
        HEAD + '@must\ndef test_any():\n    """Any."""\n    pytest.exit("port 5061 is taken; stop what uses it.")\n'
    )
    sipfed.add(test_names=source)
    run = sipfed("run")
    assert run.returncode == 2
    assert run.stderr == "sipfed: port 5061 is taken; stop what uses it.\n"


def test_a_fault_of_a_plugin_is_a_failure_with_its_traceback(sipfed: Sipfed) -> None:
    sipfed.add(test_names=GOOD, conftest="def pytest_runtest_logstart():\n    raise RuntimeError('our bug')\n")
    run = sipfed("run")
    assert run.returncode == 1
    assert "RuntimeError: our bug" in run.stdout
    assert run.stdout.splitlines()[-1].endswith("of 3 scenarios 3 not run; pytest could not be run.")


def test_a_fault_of_a_plugin_while_the_catalogue_is_read_is_shown(sipfed: Sipfed) -> None:
    sipfed.add(test_names=GOOD, conftest="def pytest_configure():\n    raise RuntimeError('our bug')\n")
    run = sipfed("run")
    assert run.returncode == 2
    assert run.stderr.startswith("sipfed: pytest could not read the catalogue in ")
    assert "RuntimeError: our bug" in run.stderr


def test_what_pytest_itself_refuses_is_a_sentence(sipfed: Sipfed) -> None:
    plugin = "import pytest\ndef pytest_configure():\n    raise pytest.UsageError('not on this machine.')\n"
    sipfed.add(test_names=GOOD, conftest=plugin)
    run = sipfed("run")
    assert run.returncode == 2
    assert run.stderr == "sipfed: pytest: not on this machine.\n"


def test_a_catalogue_without_scenarios_is_no_success(sipfed: Sipfed) -> None:
    run = sipfed("run")
    assert run.returncode == 2
    assert "there are no scenarios" in run.stderr


def test_a_test_that_is_no_scenario_is_named(sipfed: Sipfed) -> None:
    sipfed.add(test_names=GOOD + "def test_unmarked():\n    pass\n")
    run = sipfed("run")
    assert run.returncode == 2
    assert (
        run.stderr == "sipfed: test_names.py: test_unmarked: every test of a catalogue is marked with @scenario(...).\n"
    )


def test_the_folder_and_the_environment_of_the_user_change_nothing(sipfed: Sipfed) -> None:
    sipfed.add(test_names=GOOD)
    (sipfed.cwd / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n", encoding="utf-8")
    (sipfed.cwd / "conftest.py").write_text("raise RuntimeError('not ours')\n", encoding="utf-8")
    (sipfed.catalogue.parent / "conftest.py").write_text("raise RuntimeError('not ours')\n", encoding="utf-8")
    for options in ((), ("-n", "1")):
        run = sipfed("run", *options, PYTEST_ADDOPTS="--neither-this", PYTEST_PLUGINS="no_such_plugin")
        assert run.returncode == 0, run.stdout + run.stderr
    assert {path.name for path in sipfed.cwd.iterdir()} == {"pytest.ini", "conftest.py"}
    assert {path.name for path in sipfed.catalogue.iterdir()} <= {"test_names.py", "__pycache__"}


def test_junit_names_every_scenario(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING, test_names=GOOD)
    run = sipfed("run", "--junit", "results/junit.xml")
    assert run.returncode == 1
    cases = list(ElementTree.parse(sipfed.cwd / "results" / "junit.xml").iter("testcase"))
    assert len(cases) == 5
    assert [case.get("name") for case in cases if case.find("failure") is not None] == ["test_wildcard"]


@pytest.mark.parametrize("path", ["file/junit.xml", "x" * 300], ids=["below a file", "too long"])
def test_a_junit_file_that_cannot_be_written_is_refused_before_anything_runs(sipfed: Sipfed, path: str) -> None:
    sipfed.add(test_names=GOOD)
    (sipfed.cwd / "file").touch()
    run = sipfed("run", "--junit", path)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("sipfed: --junit: ")
    assert "Traceback" not in run.stderr


def test_list_prints_a_line_for_each_scenario(sipfed: Sipfed) -> None:
    sipfed.add(test_open_federation=GOOD, test_trust=FAILING)
    listed = sipfed("list", "open-federation")
    assert listed.returncode == 0
    assert listed.stdout.splitlines() == [
        "open-federation/no-srv           must  R40, F1.22  Nothing is sent where there is no SRV record.",
        "open-federation/example[ten]     must  R40, F1.22  The five examples hold.",
        "open-federation/example[eleven]  must  R40, F1.22  The five examples hold.",
    ]


def test_list_as_json_holds_all_that_is_known(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING)
    first, _second = json.loads(sipfed("list", "--json").stdout)
    assert first == {
        "id": "trust/wildcard",
        "area": "trust",
        "name": "wildcard",
        "level": "must",
        "sources": ["R40", "F1.22"],
        "needs": [],
        "sentence": "A wildcard certificate is refused.",
        "persona": None,
        "outcomes": [],
    }


def test_list_as_a_page_has_a_table_for_each_area_and_what_the_sources_say(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING.replace("is refused", "(*.a_b|c) is refused"), test_open_federation=GOOD)
    listed = sipfed("list", "--markdown", "--output", "pages/README.md")
    assert (listed.returncode, listed.stdout) == (0, "")
    page = (sipfed.cwd / "pages" / "README.md").read_bytes().decode()
    assert "\r" not in page
    assert "5 scenarios in 2 areas:\n\n- [open-federation](#open-federation): 3\n- [trust](#trust): 2\n" in page
    assert "| `wildcard` | A wildcard certificate (\\*.a\\_b\\|c) is refused. | must | R40, F1.22 |  |\n" in page
    assert "| R40 | For a domain D the SRV record \\_sipfederationtls.\\_tcp.D must exist. |\n" in page


def test_coverage_says_what_shows_each_requirement_and_fails_when_something_is_missing(sipfed: Sipfed) -> None:
    sipfed.add(test_open_federation=GOOD)
    listed = sipfed("list", "--coverage")
    lines = {line.split()[0]: line for line in listed.stdout.splitlines()}
    assert list(lines) == [*(f"R{n}" for n in range(1, 82)), *(f"C{n}" for n in range(1, 22))]
    assert "open-federation/no-srv, open-federation/example (2 cases), tests/test_discovery.py::" in lines["R40"]
    assert listed.returncode == 1
    assert listed.stderr.startswith("sipfed: nothing shows R1, ")
    first = json.loads(sipfed("list", "--coverage", "--json").stdout)[0]
    assert (first["id"], first["scenarios"]) == ("R1", [])
    assert "| R40 | For a domain D" in sipfed("list", "--coverage", "--markdown").stdout


def test_list_shows_what_can_be_read_and_complains_of_the_rest(sipfed: Sipfed) -> None:
    sipfed.add(test_names=GOOD, test_broken="import no_such_module\n")
    listed = sipfed("list")
    assert listed.returncode == 1
    assert len(listed.stdout.splitlines()) == 3
    assert "No module named 'no_such_module'" in listed.stderr
    listed = sipfed("list", "broken")
    assert listed.returncode == 1
    assert listed.stdout == ""
    assert "Traceback" not in listed.stderr.partition("\n")[0]
    assert "simulator/cli" not in listed.stderr


def test_help_imports_nothing_heavy(sipfed: Sipfed) -> None:
    code = (
        "import sys; from simulator.cli import main; main(['--help'], standalone_mode=False);"
        "print([name for name in ('pytest', 'rich', 'lxml', 'OpenSSL', 'pydantic') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=sipfed.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[-1] == "[]"


def test_listing_the_shipped_catalogue_imports_nothing_heavy(sipfed: Sipfed) -> None:
    code = (
        "import sys; from simulator.cli import main; main(['list', 'trust'], standalone_mode=False);"
        "heavy = 'rich', 'lxml', 'OpenSSL', 'cryptography', 'pydantic', 'dns', 'aiohttp', 'simulator.federation';"
        "print([name for name in heavy if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=sipfed.environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert run.stdout.splitlines()[-1] == "[]", "import it under TYPE_CHECKING, or inside the test"


def test_a_console_that_cannot_show_a_character_shows_its_code(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING.replace("is refused", "\N{RIGHTWARDS ARROW} refused"))
    for command in ("list", "run"):
        assert "A wildcard certificate \\u2192 refused." in sipfed(command, PYTHONIOENCODING="cp1252").stdout


def test_a_terminal_gets_a_progress_bar_that_is_gone_at_the_end(sipfed: Sipfed) -> None:
    pty = pytest.importorskip("pty", reason="this platform has no pseudo-terminals")
    sipfed.add(test_trust=FAILING, test_names=GOOD)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        sipfed.command("run"), cwd=sipfed.cwd, env=sipfed.environment(TERM="xterm", COLUMNS="100"), stdout=theirs
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 65536):
                shown += chunk
        except OSError:  # Linux says so when the other side is closed
            pass
    os.close(ours)
    text = shown.decode()
    assert process.returncode == 1
    for step in ("0/5", "3/5", "5/5", "names/example[eleven]"):
        assert step in text
    assert "FAILED trust/wildcard" in text
    assert "\x1b[2J" not in text
    after_the_bar = text.rpartition("5/5")[2]
    assert after_the_bar.index("\x1b[2K") < after_the_bar.index("FAILED trust/wildcard")


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


def test_lines_above_the_bar_keep_brackets_and_the_bar_its_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    terminal = Terminal()
    display = display_for(terminal, 2)
    assert isinstance(display, LiveDisplay)
    display.started("names/rule[bold]")
    terminal.truncate(0)
    display.line("trust [red]1 failed[/red] :smile:", "bold red")
    shown = terminal.getvalue()
    display.close()
    assert "\x1b[1;31mtrust [red]1 failed[/red] :smile:\x1b[0m" in shown
    assert "names/rule[bold]" in shown
    assert shown.count("\x1b[1;31m") == 1


def test_control_characters_are_escaped_and_letters_kept() -> None:
    assert printable("a\x1b[31m\r\x07\x9b\tbücher\n") == "a\\x1b[31m\\r\\x07\\x9b\tbücher\n"


def test_columns_are_aligned_and_lines_have_no_trailing_blanks() -> None:
    assert aligned([("a", "1"), ("bb", "22")], "<>") == ["a    1", "bb  22"]
    assert aligned([("a", "1"), ("bb", "22")], "<<") == ["a   1", "bb  22"]
