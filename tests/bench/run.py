"""Measure what a federation costs and print one table; `tox -e bench -- --help` shows the options.

A new row is a `Measure` in a module beside this one, whose `MEASURES` is added below.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from OpenSSL import SSL

# The measures share helpers with each other and not with the package, so they are imported as a part of the clone.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench import catalogue, endpoints, federations, handshake, messages, nameserver, stack, startup
from tests.bench.measure import Measure, Progress, as_json, chosen, run, table

OTHERS: tuple[Measure, ...] = (
    *handshake.MEASURES,
    *endpoints.MEASURES,
    *federations.MEASURES,
    *messages.MEASURES,
    *nameserver.MEASURES,
    *startup.MEASURES,
)
MEASURES: tuple[Measure, ...] = (*OTHERS, *stack.measures(stack.FULL), *catalogue.measures(catalogue.FULL))
SMALL_MEASURES: tuple[Measure, ...] = (*OTHERS, *stack.measures(stack.SMALL), *catalogue.measures(catalogue.SMALL))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; 0 unless something broke or was asked for wrongly: a missed target is shown and fails nothing."""
    options = _options(arguments)
    measures = chosen(SMALL_MEASURES if options.small else MEASURES, options.only)
    if not measures:
        print(f"No measure has {options.only!r} in its name; there are: {', '.join(m.name for m in MEASURES)}.")
        return 2
    results = run(measures, options.rounds, _progress(options.rounds))
    machine = _machine()
    print(f"{options.rounds} rounds, one of each measure in turn; {', '.join(machine.values())}")
    print()
    print("\n".join(table(results)))
    print()
    for measure in measures:
        print(f"{measure.name}: {measure.about}")
    if options.json is not None:
        text = json.dumps({"machine": machine, "rounds": options.rounds, "measures": as_json(results)}, indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py", description="Measure what a federation costs.")
    parser.add_argument("--rounds", type=_positive, default=40, metavar="N", help="rounds of each measure (40)")
    parser.add_argument("--only", metavar="TEXT", help="only measures with TEXT in their name, and what they need")
    parser.add_argument("--small", action="store_true", help="few messages and connections: to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round's figures to FILE as well")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"give a whole number from 1, not {text!r}")
    return int(text)


def _progress(rounds: int) -> Progress:
    """Tells somebody who sits in front of it how far the bench is."""

    def show(done: int) -> None:
        if sys.stderr.isatty():
            print(f"\rround {done + 1} of {rounds}", end="\n" if done + 1 == rounds else "", file=sys.stderr)

    return show


def _machine() -> dict[str, str]:
    return {
        "python": f"Python {platform.python_version()}",
        "openssl": SSL.OpenSSL_version(SSL.OPENSSL_VERSION).decode(),
        "system": platform.platform(),
    }


if __name__ == "__main__":
    sys.exit(main())
