"""What a run selects, repeats, shuffles, tolerates and states, as a program on small made-up catalogues."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.made_up import FAILING, GOOD, HEAD, Sipfed

GRADED = (
    HEAD
    + '''
from simulator.scenarios import Case, cases, happened

@scenario(level="should", sources=("R8",), outcomes={"followed": "ok", "refused": ("tolerable", "It is an alias.")})
@cases("what", "followed", "refused", "lost")
def test_alias(what):
    """An alias is {what}."""
    happened(what)

@scenario(level="info", sources=("R79",))
@pytest.mark.parametrize("persona", ["teams", "sfb-2019"])
def test_tenant(persona):
    """A tenant of {persona} is found."""
'''
)

# Passes in its first run, and fails in the second.
UNSTEADY = (
    HEAD
    + '''
from pathlib import Path
@must
def test_unsteady():
    """It works every time."""
    runs = Path(__file__).with_suffix(".runs")
    first = not runs.exists()
    runs.touch()
    if not first:
        raise ExpectationFailed("it worked only once.")
'''
)


# A server whose clock nobody can set.
TIMED = (
    HEAD
    + '''
from simulator.sut.embedded import EmbeddedServer
EmbeddedServer.capabilities = EmbeddedServer.capabilities - {"time"}

@scenario(level="must", sources=("R1",), needs=("time",))
@pytest.mark.parametrize("right", ["yes", "no"])
def test_later(federation, right):
    """It is so later, too: {right}."""
    federation.advance(0.001)
    assert right == "yes"

@must
def test_now(federation):
    """It is so now."""
'''
)


@pytest.fixture
def sipfed(tmp_path: Path) -> Sipfed:
    return Sipfed(tmp_path)


def known(sipfed: Sipfed, *, kind: str = "failing", scenario: str = "trust/wildcard", says: str) -> str:
    file = sipfed.cwd / "known.toml"
    file.write_text(
        f'[[{kind}]]\nscenario = "{scenario}"\nsays = "{says}"\nbecause = "ticket 7"\n', encoding="utf-8", newline="\n"
    )
    return "--known=known.toml"


@pytest.mark.parametrize("options", [(), ("-n", "1")])
def test_a_failure_that_is_known_runs_and_is_no_failure(sipfed: Sipfed, options: tuple[str, ...]) -> None:
    sipfed.add(test_trust=FAILING)
    run = sipfed("run", known(sipfed, says="accepted *.fabrikam"), *options)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "KNOWN TO FAIL, because ticket 7\n  trust/wildcard\n" in run.stdout
    assert run.stdout.splitlines()[-1].endswith("of 2 scenarios 1 passed, 1 failed as known.")


def test_a_failure_for_another_reason_than_the_known_one_is_a_failure(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING)
    run = sipfed("run", known(sipfed, says="timed out"))
    assert run.returncode == 1
    assert "  But: The edge accepted *.fabrikam.test.\n" in run.stdout
    assert (
        "This is not the failure that is known:\n  known.toml: failing[0] expects it to say 'timed out'." in run.stdout
    )


def test_an_unexpected_pass_is_a_failure_that_names_the_entry(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING)
    run = sipfed("run", known(sipfed, scenario="trust/exp*", says="accepted"))
    assert run.returncode == 1
    assert (
        "FAILED trust/expired  (must, R40, F1.22)\n"
        "  Expected: An expired certificate is refused.\n"
        "  But: it passes, but known.toml: failing[0] lists it as failing (ticket 7); take the entry out\n"
    ) in run.stdout


@pytest.mark.parametrize("scenario", ["trust/wildcard", "trust/expired"])
def test_a_flaky_scenario_may_pass_and_may_fail_as_listed(sipfed: Sipfed, scenario: str) -> None:
    sipfed.add(test_trust=FAILING)
    run = sipfed("run", scenario, known(sipfed, kind="flaky", scenario=scenario, says="accepted"))
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_known_failure_is_a_skip_in_the_junit_file(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING)
    sipfed("run", known(sipfed, says="accepted"), "--junit", "junit.xml")
    (suite,) = ElementTree.parse(sipfed.cwd / "junit.xml").getroot()
    assert (suite.get("failures"), suite.get("skipped"), suite.get("tests")) == ("0", "1", "2")


def test_an_entry_that_names_no_scenario_is_refused(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING)
    run = sipfed("run", known(sipfed, scenario="trust/wildcrad", says="accepted"))
    assert run.returncode == 2
    assert run.stderr.startswith("sipfed: known.toml: failing[0]: There is no scenario 'trust/wildcrad';")


def test_the_mistakes_in_a_list_of_known_failures_have_their_lines(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING)
    (sipfed.cwd / "known.toml").write_text('[[failing]]\nscenario = "trust/a"\nsays = ""\n', encoding="utf-8")
    run = sipfed("run", "--known=known.toml")
    assert run.returncode == 2
    assert "line 3, failing[0].says: It is empty" in run.stderr
    assert "failing[0].because: It is missing; write because = ..." in run.stderr


def test_a_graded_outcome_is_shown_and_what_is_not_listed_fails(sipfed: Sipfed) -> None:
    sipfed.add(test_discovery=GRADED)
    run = sipfed("run", "discovery/alias")
    assert run.returncode == 1
    assert "TOLERABLE discovery/alias[refused]\n  What happened: refused (tolerable). It is an alias.\n" in run.stdout
    assert "FAILED discovery/alias[lost]" in run.stdout
    assert "No listed outcome happened, but the outcome was 'lost'." in run.stdout
    assert run.stdout.splitlines()[-1].endswith("of 3 scenarios 2 passed (1 tolerably), 1 failed.")
    passed = sipfed("run", "discovery/alias[followed]", "discovery/alias[refused]")
    assert passed.stdout.splitlines()[-1].startswith("2 scenarios passed, 1 of them tolerably, in ")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--persona", "teams"), ["discovery/tenant[teams]"]),
        (("--level", "must"), ["names/no-srv", "names/example[ten]", "names/example[eleven]"]),
        (("--level", "info", "--level", "must", "names/no-srv", "discovery/*"), ["discovery/tenant", "names/no-srv"]),
        (("--source", "R79", "--persona", "sfb-2019"), ["discovery/tenant[sfb-2019]"]),
    ],
)
def test_level_persona_and_source_narrow_a_selection(
    sipfed: Sipfed, options: tuple[str, ...], expected: list[str]
) -> None:
    sipfed.add(test_discovery=GRADED, test_names=GOOD)
    listed = sipfed("list", *options).stdout.splitlines()
    assert {line.partition("  ")[0].partition("[")[0] for line in listed} == {one.partition("[")[0] for one in expected}
    assert sipfed("run", *options).returncode == 0


def test_a_persona_that_no_scenario_is_about_and_an_empty_selection_are_refused(sipfed: Sipfed) -> None:
    sipfed.add(test_discovery=GRADED, test_names=GOOD)
    run = sipfed("run", "--persona", "taems")
    assert run.returncode == 2
    assert run.stderr == "sipfed: --persona 'taems': no selected scenario has it; there are: sfb-2019, teams.\n"
    run = sipfed("run", "names", "--level", "info")
    assert run.returncode == 2
    assert "no scenario fits all of the selectors and options together" in run.stderr


def test_a_dry_run_says_what_would_run_and_runs_nothing(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING, test_names=GOOD)
    run = sipfed("run", "--dry-run", "--repeat", "2", "--seed", "5", "--statement", "s.json", "trust")
    assert run.returncode == 0
    *listed, plan = run.stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["trust/wildcard", "trust/expired"]
    assert plan == "2 scenarios would run, 2 times, in random order with the seed 5."
    assert list(sipfed.cwd.iterdir()) == []


@pytest.mark.parametrize("options", [(), ("-n", "2")])
def test_everything_is_repeated_and_a_failure_of_one_round_fails(sipfed: Sipfed, options: tuple[str, ...]) -> None:
    sipfed.add(test_trust=UNSTEADY, test_names=GOOD)
    run = sipfed("run", "--repeat", "3", *options)
    assert run.returncode == 1
    assert "of 3: it worked only once.\n" in run.stdout
    assert "  Failed in 2 of 3 runs.\n" in run.stdout
    assert run.stdout.splitlines()[-1].endswith("of 4 scenarios, each 3 times, 3 passed, 1 failed.")


def test_what_was_stopped_before_its_last_round_has_no_verdict(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=UNSTEADY, test_names=GOOD)
    run = sipfed("run", "--repeat", "3", "-x")
    assert run.returncode == 1
    assert "NOT RUN, because the run ended after 2 of its 3 turns\n  names/no-srv\n" in run.stdout
    assert run.stdout.splitlines()[-1].endswith("of 4 scenarios, each 3 times, 1 failed, 3 not run.")


def test_fixtures_start_anew_when_one_scenario_is_repeated(sipfed: Sipfed) -> None:
    source = HEAD + '@must\ndef test_one(tmp_path):\n    """It is new."""\n    (tmp_path / "here").mkdir()\n'
    sipfed.add(test_names=source)
    run = sipfed("run", "--repeat", "5")
    assert run.returncode == 0, run.stdout
    assert run.stdout.splitlines()[-1].startswith("1 scenario passed 5 times in ")


def test_a_seed_gives_its_order_again_and_another_one_another(sipfed: Sipfed) -> None:
    many = HEAD + '@must\n@pytest.mark.parametrize("n", range(20))\ndef test_many(n):\n    """It works."""\n'
    sipfed.add(test_names=many)

    def order(*options: str) -> list[str]:
        return [line.split()[1] for line in sipfed("run", "-v", *options).stdout.splitlines() if "names/many" in line]

    first = order("--seed", "1")
    assert sorted(first) == sorted(order())
    assert first == order("--seed", "1")
    assert len({tuple(first), tuple(order("--seed", "2")), tuple(order())}) == 3
    shuffled = sipfed("run", "--random-order").stdout.splitlines()[0]
    assert shuffled.startswith("Random order; --seed ")


def test_two_runs_of_one_build_make_the_same_statement(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING, test_discovery=GRADED)
    sipfed("run", "--statement", "old.json")
    sipfed("run", "--statement", "new.json", "-n", "2")
    assert (sipfed.cwd / "old.json").read_bytes() == (sipfed.cwd / "new.json").read_bytes()
    compared = sipfed("compare", "old.json", "new.json")
    assert (compared.returncode, compared.stdout) == (0, "0 worse, 0 better, 0 appeared, 0 vanished.\n")


def test_a_build_that_got_worse_is_named_and_exits_with_1(sipfed: Sipfed) -> None:
    sipfed.add(test_trust=FAILING, test_names=GOOD)
    sipfed("run", "--statement", "old.json")
    sipfed.add(test_trust=FAILING.replace("The edge accepted", "The \\x1b[2Jedge accepted"), test_names=FAILING)
    sipfed("run", "--statement", "new.json")
    compared = sipfed("compare", "old.json", "new.json")
    assert compared.returncode == 0, "what appeared is not worse"
    sipfed.add(test_trust=GOOD.replace("no_srv", "wildcard"), test_names=FAILING)
    sipfed("run", "--statement", "mended.json")
    assert (
        sipfed("compare", "new.json", "mended.json").stdout.splitlines()[0]
        == "better    trust/wildcard: failed -> passed"
    )
    back = sipfed("compare", "mended.json", "new.json")
    assert back.returncode == 1
    assert back.stdout.splitlines()[0] == (
        "worse     trust/wildcard: passed -> failed (The \\x1b[2Jedge accepted *.fabrikam.test.)"
    )
    as_json = json.loads(sipfed("compare", "--json", "mended.json", "new.json").stdout)
    assert [change["scenario"] for change in as_json["worse"]] == ["trust/wildcard"]


def test_a_file_that_is_no_statement_is_a_sentence(sipfed: Sipfed) -> None:
    (sipfed.cwd / "old.json").write_text("{}", encoding="utf-8")
    compared = sipfed("compare", "old.json", "old.json")
    assert compared.returncode == 2
    assert "sipfed: old.json: format: Field required." in compared.stderr


def test_what_needs_a_clock_that_nobody_can_set_does_not_run_and_says_how_it_could(sipfed: Sipfed) -> None:
    sipfed.add(test_times=TIMED)

    run = sipfed("run", "--statement", "now.json")

    assert run.returncode == 3
    assert "lacks the capability time (implement advanceClock" in run.stdout
    assert "with --slow)" in run.stdout
    assert "SLOW TIER" not in run.stdout
    assert {finding["tier"] for finding in statement(sipfed).values()} == {"usual"}


def test_with_slow_it_runs_in_a_tier_that_every_report_names(sipfed: Sipfed) -> None:
    sipfed.add(test_times=TIMED)

    run = sipfed("run", "--slow", "-v", "--statement", "now.json", "--junit", "now.xml", "--html", "now.html")

    assert run.returncode == 1
    lines = run.stdout.splitlines()
    title = lines.index("SLOW TIER, where time really passed because the server's clock cannot be set")
    assert [line.split(" (")[0].split() for line in lines[title + 1 : title + 3]] == [
        ["times/later[yes]", "passed"],
        ["times/later[no]", "failed"],
    ]
    assert [line.split()[1] for line in lines if line.endswith(" s, slow tier)")] == [
        "times/later[yes]",
        "times/later[no]",
    ]
    assert "FAILED times/later[no]  (must, slow tier, R1)" in lines
    tiers = {name: finding["tier"] for name, finding in statement(sipfed).items()}
    assert tiers == {"times/later[yes]": "slow", "times/later[no]": "slow", "times/now": "usual"}
    junit = ElementTree.parse(sipfed.cwd / "now.xml")
    slow = [case.get("name") for case in junit.iter("testcase") if case.find(".//property[@name='tier']") is not None]
    assert slow == ["test_later[yes]", "test_later[no]"]
    assert (sipfed.cwd / "now.html").read_text(encoding="utf-8").count("slow tier: time really passed") == 2


def statement(sipfed: Sipfed) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((sipfed.cwd / "now.json").read_text(encoding="utf-8"))["scenarios"]
    return found
