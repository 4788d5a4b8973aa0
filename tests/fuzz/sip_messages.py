"""Fuzz the framing and parsing of SIP with coverage as the guide; `tox -e fuzz -- --help` shows the options.

Stops at the first input that breaks a rule of `sip_rules.check` and says which file holds it. Inputs that take more
than 50 ms of processor time, three times in a row, are reported and kept too. `--merge` puts the smallest of what was
found that go every way through the code into tests/corpus/fuzz, which the ordinary tests replay.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from hashlib import sha1
from pathlib import Path
from types import FrameType

import atheris  # type: ignore[import-untyped,import-not-found,unused-ignore] # only in the group `fuzz`

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

with atheris.instrument_imports(include=["simulator.sip"]):
    from tests.fuzz.sip_rules import check

CORPUS = HERE.parent / "corpus"
KEPT = CORPUS / "fuzz"
FINDINGS = Path(tempfile.gettempdir()) / "sipfed-fuzz"
SLOW = 0.05
"Seconds that no input may take."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the fuzzer; libFuzzer ends the process, with 0 after the last input and 77 at a broken rule."""
    options = _options(arguments)
    options.findings.mkdir(parents=True, exist_ok=True)
    seeds = options.findings / "seeds"
    seeds.mkdir(exist_ok=True)
    _write_seeds(seeds)
    found = options.findings / "corpus"
    found.mkdir(exist_ok=True)
    KEPT.mkdir(exist_ok=True)
    if options.merge:
        return merge([KEPT, seeds, found])
    flags = [
        f"-artifact_prefix={options.findings}/", f"-dict={HERE / 'sip.dict'}", "-max_len=1200", "-timeout=10",
        f"-runs={options.inputs}", f"-max_total_time={options.seconds}", "-print_final_stats=1",
    ]  # fmt: skip
    slow = SlowInputs(options.findings)
    atheris.Setup([sys.argv[0], *flags, *map(str, (found, KEPT, seeds))], slow.check)
    atheris.Fuzz()
    return 0


def merge(folders: Sequence[Path]) -> int:
    """Keep, of all inputs in these folders, the smallest for every step from line to line; nothing else stays."""
    inputs = sorted({path.read_bytes() for folder in folders for path in folder.iterdir()}, key=lambda data: len(data))
    known: set[Step] = set()
    kept: dict[str, bytes] = {}
    for data in inputs:
        steps = steps_of(data)
        if not steps <= known:
            known |= steps
            kept[sha1(data, usedforsecurity=False).hexdigest()] = data
    for path in KEPT.iterdir():
        path.unlink()
    for name, data in kept.items():
        (KEPT / name).write_bytes(data)
    print(f"{len(kept)} of {len(inputs)} inputs kept, {sum(map(len, kept.values()))} bytes, {len(known)} steps")
    return 0


Step = tuple[str, int, int]
"File, line, and the line before it in the same call."


def steps_of(data: bytes) -> set[Step]:
    """The ways that an input takes through simulator.sip."""
    steps: set[Step] = set()
    before: dict[FrameType, int] = {}

    def on_line(frame: FrameType, event: str, _argument: object) -> object:
        if event == "line":
            steps.add((frame.f_code.co_filename, before.get(frame, 0), frame.f_lineno))
            before[frame] = frame.f_lineno
        elif event == "return":
            before.pop(frame, None)
        return on_line

    def on_call(frame: FrameType, _event: str, _argument: object) -> object:
        return on_line if Path(frame.f_code.co_filename).parent.name == "sip" else None

    sys.settrace(on_call)  # type: ignore[arg-type]  # its type in typeshed cannot be written for two functions
    try:
        check(data)
    finally:
        sys.settrace(None)
    return steps


class SlowInputs:
    """Checks inputs, and keeps those that are slow whenever they are tried: once may be the machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self, data: bytes) -> None:
        """`sip_rules.check`, timed."""
        if _timed(data) > SLOW and (least := min(_timed(data), _timed(data))) > SLOW:
            path = self._folder / f"slow-{sha1(data, usedforsecurity=False).hexdigest()}"
            path.write_bytes(data)
            print(f"SLOW: {least * 1000:.0f} ms, {path}", file=sys.stderr, flush=True)


def _timed(data: bytes) -> float:
    start = time.process_time()
    check(data)
    return time.process_time() - start


def _write_seeds(folder: Path) -> None:
    """Every message of the corpus, whole and cut into small chunks."""
    for path in sorted(CORPUS.glob("*/*.sip")):
        for size in (0, 7):
            (folder / f"{path.parent.name}-{path.stem}-{size}").write_bytes(bytes([size]) + path.read_bytes())


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sip_messages.py", description="Fuzz framing and parsing.")
    parser.add_argument("inputs", nargs="?", type=int, default=10_000_000, help="how many inputs (10,000,000)")
    parser.add_argument("--seconds", type=int, default=0, metavar="N", help="stop after N seconds at the latest")
    parser.add_argument(
        "--findings", type=Path, default=FINDINGS, metavar="DIR", help=f"where inputs are kept ({FINDINGS})"
    )
    parser.add_argument("--merge", action="store_true", help="keep what reaches new code in tests/corpus/fuzz, and end")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
