"""`sipfed init`: a few questions, and the files that a test of somebody's server begins with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from simulator.cli.group import main
from simulator.errors import ConfigurationError, Problem

VALID_DAYS = 365
"How long the certificate for the server is valid."
DRIVERS = ("http", "command", "manual", "wire-only", "kamailio", "embedded-process")


class _Questions(click.Command):
    """Asks for what no option gave; without anybody to answer, says which option is missing."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.Abort:
            if sys.stdin.isatty():  # Ctrl-C
                raise
            asked = [option for option in self.params if isinstance(option, click.Option) and option.prompt]
            missing = [option.opts[0] for option in asked if option.name not in ctx.params]
            click.echo()
            raise click.UsageError(f"Nobody answers the questions: give {', '.join(missing)}.", ctx) from None


@main.command(cls=_Questions, short_help="Write what a test of your server needs.")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--driver", type=click.Choice(DRIVERS), prompt="How is the server driven?", default="http")
@click.option("--domain", prompt="The SIP domain of its users", default="acme.test")
@click.option("--fqdn", prompt="Its public name", default=lambda: _suggested("connect.", "domain"))
@click.option("--address", prompt="Where partners reach it (address:port)", default="127.0.0.1:5061")
@click.option("--bind", prompt="The address of this machine that it reaches, or several (empty: loopback)", default="")
@click.option("--dns-port", type=click.IntRange(1, 65535), prompt="The port for our DNS", default=53)
@click.option("--url", default="http://127.0.0.1:8061", help="Of its control API, for the driver http.")
@click.option("--public", default="", help="Repeat --bind where that is a public address, to use it.")
@click.option("--force", is_flag=True, help="Overwrite a sut.toml that is there.")
def init(
    folder: Path,
    driver: str,
    domain: str,
    fqdn: str,
    address: str,
    bind: str,
    dns_port: int,
    url: str,
    public: str,
    force: bool,
) -> None:
    """Write into FOLDER what a test of your server needs: sut.toml, a CA to trust, and what to do at the server.

    What is given as an option is not asked.
    """
    from fakes.errors import FakeError
    from simulator.sut.network import authority_of
    from simulator.sut.settings import load
    from simulator.sut.setup import Answers, instructions, sut_toml

    answers = Answers(driver, domain, fqdn, address, bind, dns_port, url, public)
    path = folder / "sut.toml"
    if path.exists() and not force:
        raise ConfigurationError([Problem(str(path), "It is there already; --force overwrites it.")])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(sut_toml(answers), encoding="utf-8")
        try:
            settings = load(path)
        except ConfigurationError:
            path.unlink()
            raise
        with authority_of(settings) as authority:
            issued = authority.issue(str(settings.server_fqdn), valid_days=VALID_DAYS)
            _write(folder / "server.chain.pem", issued.chain_pem)
            _write(folder / "server.key.pem", issued.key_pem)
        (folder / "SETUP.md").write_text(instructions(answers, settings), encoding="utf-8")
    except FakeError as error:
        raise ConfigurationError([Problem("--fqdn", str(error))]) from error
    except OSError as error:
        raise ConfigurationError([Problem(str(folder), f"It cannot be written to: {error.strerror}.")]) from error
    click.echo(f"Written to {folder.resolve()}: sut.toml, SETUP.md, ca, server.chain.pem and server.key.pem.")
    click.echo("Do what SETUP.md says; then `sipfed probe --sut sut.toml` checks it.")


def _suggested(prefix: str, option: str) -> str:
    return prefix + str(click.get_current_context().params.get(option, "acme.test"))


def _write(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(content)
