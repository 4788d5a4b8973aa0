"""`sipfed doctor`: a domain is examined before anybody federates with it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from simulator.cli.group import main


@main.command(short_help="Examine a domain before federating with it.")
@click.argument("domain")
@click.option("--dns", metavar="ADDRESS[:PORT]", help="The name server to ask, in place of this machine's.")
@click.option("--host", metavar="FQDN[:PORT]", help="The server of a static route; no SRV record is needed then.")
@click.option("--expect", metavar="FQDN[:PORT]", help="The server that the SRV record should lead to.")
@click.option("--our-side", is_flag=True, help="It is our own: judge it as Skype for Business and Teams would.")
@click.option(
    "--certificate",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Our client certificate with its chain (PEM).",
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Its key, if that is not in the same file.",
)
@click.option(
    "--roots",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The roots to trust (PEM), in place of the public ones.",
)
@click.option("--from", "sender", metavar="DOMAIN", help="Our SIP domain; else taken from our certificate.")
@click.option(
    "--probe",
    type=click.Choice(["s4b", "s4b-route", "plain"]),
    default="s4b",
    show_default=True,
    help="The OPTIONS: as Test-CsFederatedPartner sends it, the same with a Route, or plain RFC 3261.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, 600, min_open=True),
    metavar="SECONDS",
    default=8.0,
    show_default=True,
    help="The limit of each step.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; see simulator/doctor/schema.json.")
@click.pass_context
def doctor(context: click.Context, /, domain: str, as_json: bool, **options: Any) -> None:
    """Examine DOMAIN before federating with it: DNS, TCP, TLS, certificate and a SIP request.

    Each step says what was seen and what to change. Without a certificate of ours the steps behind mutual TLS are left
    out. The exit code is 0 when nothing is wrong, 1 when something is, and 2 when the command itself is wrong.
    """
    import asyncio

    from simulator.doctor import examine
    from simulator.doctor.checkup import read_checkup
    from simulator.doctor.display import display_for

    display = display_for(sys.stdout, as_json=as_json)
    with display:
        report = asyncio.run(examine(read_checkup(domain, **options), display.add))
    display.finish(report)
    context.exit(report.exit_code)
