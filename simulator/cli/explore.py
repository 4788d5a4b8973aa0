"""`sipfed explore`: generated federations, compared with what the requirements say."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import click

from simulator.cli.group import main
from simulator.cli.sut import Target, target_options

if TYPE_CHECKING:
    from simulator.exploration.exploring import HistoryReport, Report


@main.command(short_help="Generate federations and compare with the requirements.")
@target_options
@click.option("--examples", type=click.IntRange(min=1), metavar="N", help="How many.  [default: 100; histories 20]")
@click.option(
    "--seed", type=click.IntRange(min=0), help="Explore what this seed did; without, one is made and printed."
)
@click.option("--stateful", is_flag=True, help="Histories instead: chats and presence while things change and die.")
@click.option("--steps", type=click.IntRange(min=1), default=25, show_default=True, help="The longest history.")
@click.option("--time", "time_limit", type=click.FloatRange(min=0), metavar="SECONDS", help="Stop after so long.")
@click.option("--persona", "personas", multiple=True, help="Only partners like this one; can be repeated.")
@click.option("-v", "--verbose", is_flag=True, help="Print each topology.")
@click.pass_context
def explore(
    context: click.Context,
    target: Target,
    examples: int | None,
    seed: int | None,
    stateful: bool,
    steps: int,
    time_limit: float | None,
    personas: tuple[str, ...],
    verbose: bool,
) -> None:
    """Generate federations, run each on the server, and compare what happens with what the requirements say.

    Domains, DNS records, certificates, routes, switches, policies and users are drawn at random; a message and a
    subscription go in both directions. The first federation in which server and requirements disagree is made as small
    as it gets and printed with all that went over the wire. The exit code is 1 then.
    """
    from simulator.exploration import exploring
    from simulator.preflight.prepare import started
    from simulator.scenarios.text import printable

    chosen = secrets.randbelow(1 << 32) if seed is None else seed
    exploring.check_personas(personas)
    engine = started(target.settings())
    try:
        click.echo(f"Exploring; --seed {chosen} repeats it.")
        if stateful:
            histories = exploring.explore_histories(
                engine, examples=examples or 20, steps=steps, seed=chosen, time_limit=time_limit
            )
            text, failed = _histories(histories), histories.failure is not None or histories.flaky
        else:
            show = (lambda trial: click.echo(printable(str(trial.topology)))) if verbose else (lambda _trial: None)
            report = exploring.explore(
                engine,
                examples=examples or 100,
                seed=chosen,
                time_limit=time_limit,
                personas=personas or None,
                on_trial=show,
            )
            text, failed = _topologies(report), report.disagreement is not None
    finally:
        engine.close()
    click.echo(printable(text))
    context.exit(1 if failed else 0)


def _topologies(report: Report) -> str:
    lines = []
    for action in dict.fromkeys(action for action, _, _ in report.classes):
        lines += ["", f"{action}:"]
        mine = [(count, what, why) for (one, what, why), count in report.classes.items() if one == action]
        lines += [f"{count:6}  {what:9}  {why}" for count, what, why in sorted(mine, key=lambda row: (-row[0], row[2]))]
    speed = f"{report.tried / report.seconds:.0f} a second" if report.seconds else "at once"
    lines += ["", f"{report.tried} federations in {report.seconds:.1f} s ({speed})."]
    if report.left_out:
        lines.append(f"What takes {', '.join(report.left_out)} was left out: the server cannot be told or asked it.")
    if report.out_of_time:
        lines.append("The time was up before all of them were tried.")
    if report.disagreement is None:
        lines.append("The server does what the requirements say.")
    else:
        lines += ["", str(report.disagreement)]
        if report.flaky:
            lines += ["", "It did not come back when the same federation was tried again."]
    return "\n".join(lines)


def _histories(report: HistoryReport) -> str:
    lines = ["", *(f"{count:6}  {kind}" for kind, count in report.steps.most_common())]
    lines += ["", f"{report.tried} histories in {report.seconds:.1f} s."]
    if report.out_of_time:
        lines.append("The time was up before all of them were tried.")
    lines.append("Nothing went wrong." if report.failure is None else f"\n{report.failure}")
    if report.flaky:
        lines += ["", "It did not go wrong when the same history was tried again."]
    return "\n".join(lines)
