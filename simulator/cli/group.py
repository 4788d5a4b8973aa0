"""The group that all commands belong to, and how an error of any of them ends."""

from __future__ import annotations

import sys

import click

from simulator.errors import SipfedError


class Commands(click.Group):
    """Commands whose errors are sentences: exit code 2 for what is the user's to mend, 130 for Ctrl-C."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SipfedError as error:
            click.echo(f"sipfed: {error}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("sipfed: interrupted", err=True)
            ctx.exit(130)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sipfed", prog_name="sipfed")
def main() -> None:
    """Try a SIP server's federation with simulated Skype for Business and Teams partners."""
    for stream in (sys.stdout, sys.stderr):
        # A console that cannot show a character shows its code instead of ending the run.
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="backslashreplace")
