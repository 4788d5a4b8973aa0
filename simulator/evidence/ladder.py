"""The timeline as a ladder in text: a lane per participant, an arrow per message, a note per decision."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from simulator.evidence.recorder import Layer, Record
from simulator.evidence.steps import Step, steps
from simulator.evidence.visible import cells, cut, escape, wrap

TIME_WIDTH = 9
"Columns for the milliseconds, before the first lane."
NARROWEST_GAP = 10
"Columns between two lanes at least; with more lanes the ladder grows wider than asked."
LABEL_LINES = 3
"So is a label that is too long for its arrow and for one row."
NOTE_LINES = 4
"A note is wrapped into at most this many rows."


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a ladder is drawn with."""

    lane: str
    "The line under each name."
    right: str
    "Head of an arrow to the right."
    left: str
    "Head of an arrow to the left."
    failed: str
    "Head of an arrow that stands for a refusal."
    note: str
    "Where a note hangs on its lane."
    more: str
    "End of a text that was cut."
    shafts: dict[Layer, str]
    "The line of an arrow, by layer."


UNICODE = Glyphs("│", "▶", "◀", "✗", "●", "…", {"dns": "┄", "tcp": "╌", "tls": "═", "sip": "─", "log": "─"})
ASCII = Glyphs("|", ">", "<", "x", "*", "...", {"dns": ".", "tcp": "-", "tls": "=", "sip": "-", "log": "-"})

COLOURS: dict[Layer, str] = {"dns": "35", "tcp": "34", "tls": "36", "sip": "", "log": "33"}
"SGR codes by layer."
FAILED_COLOUR = "1;31"
NAME_COLOUR = "1"


def render(
    records: Iterable[Record],
    *,
    lanes: Sequence[str] | None = None,
    width: int = 100,
    colour: bool = False,
    ascii_only: bool = False,
    limit: int = 200,
) -> str:
    """Draw the records on one time axis, in milliseconds since the first of them; lines end in a newline each.

    `lanes` come first and in that order; participants who are not among them follow in order of appearance. Both ends'
    records of one message make one arrow. `limit` keeps the last so many rows and says how many are left out.
    All text is escaped (`visible.escape`), so that nothing a peer sent reaches the terminal as a control character.
    `ascii_only` is for consoles that know no other characters.
    """
    found = steps(records)
    if not found:
        return "Nothing was recorded.\n"
    names = list(
        dict.fromkeys([*(lanes or ()), *(name for step in found for name in (step.source, step.target) if name)])
    )
    drawing = _Drawing(names, width, ASCII if ascii_only else UNICODE, ascii_only)
    drawing.header()
    left_out = max(0, len(found) - limit)
    if left_out:
        drawing.say(f"{left_out} earlier steps are left out")
    for step in found[left_out:]:
        drawing.step(step, step.at - found[0].at)
    return "".join(row.text(colour) + "\n" for row in drawing.rows)


@dataclass(slots=True)
class _Row:
    cells: list[str]
    styles: dict[int, str] = field(default_factory=dict)

    def put(self, at: int, content: Sequence[str], style: str) -> None:
        self.cells[at : at + len(content)] = content
        self.styles.update(dict.fromkeys(range(at, at + len(content)), style))

    def text(self, colour: bool) -> str:
        if not colour:
            return "".join(self.cells).rstrip(" ")
        written = []
        now = ""
        for index, cell in enumerate(self.cells):
            style = self.styles.get(index, "") if cell.strip() else now
            if style != now:
                written.append(("\x1b[0m" if now else "") + (f"\x1b[{style}m" if style else ""))
                now = style
            written.append(cell)
        return "".join(written).rstrip(" ") + ("\x1b[0m" if now else "")


class _Drawing:
    def __init__(self, names: Sequence[str], width: int, glyphs: Glyphs, ascii_only: bool) -> None:
        self.rows: list[_Row] = []
        self._glyphs = glyphs
        self._ascii_only = ascii_only
        widest = max(NARROWEST_GAP, (width - TIME_WIDTH) // len(names)) - 1
        self._titles = [cut(self._cells(name), widest, glyphs.more) for name in names]
        first = TIME_WIDTH + len(self._titles[0]) // 2
        last = width - 1 - len(self._titles[-1]) // 2
        gaps = len(names) - 1
        last = max(last, first + gaps * NARROWEST_GAP) if gaps else first
        self._width = max(width, last + 1 + len(self._titles[-1]) // 2)
        self._lanes = {name: first + (last - first) * index // max(1, gaps) for index, name in enumerate(names)}

    def header(self) -> None:
        row = _Row([" "] * self._width)
        row.put(TIME_WIDTH - 3, ["m", "s"], NAME_COLOUR)
        for title, lane in zip(self._titles, self._lanes.values(), strict=True):
            row.put(lane - len(title) // 2, title, NAME_COLOUR)
        self.rows.append(row)

    def say(self, sentence: str) -> None:
        row = self._row()
        row.put(TIME_WIDTH, cut(cells(f"({sentence})"), self._width - TIME_WIDTH, self._glyphs.more), "")

    def step(self, step: Step, seconds: float) -> None:
        before = len(self.rows)
        style = FAILED_COLOUR if step.failed else COLOURS[step.layer]
        if not step.target or step.source == step.target:
            self._note(step.source, step.label, style)
        else:
            self._arrow(step, style)
        if step.detail:
            self._note(step.source, step.detail, style)
        self.rows[before].put(0, cells(_milliseconds(seconds)), "")

    def _arrow(self, step: Step, style: str) -> None:
        """The label on its arrow where it fits between the lanes, else in a row of its own above it."""
        ends = self._lanes[step.source], self._lanes[step.target]
        left, right = min(ends) + 1, max(ends)
        shaft = self._glyphs.shafts[step.layer]
        label = self._cells(step.label)
        line = list(shaft * (right - left))
        to_the_right = ends[0] < ends[1]
        if len(label) + 6 <= len(line):
            line[3 : 3 + len(label)] = label
            line[2] = line[3 + len(label)] = " "
        else:
            for part in wrap(label, self._width - TIME_WIDTH, lines=LABEL_LINES, mark=self._glyphs.more):
                start = max(TIME_WIDTH, min(left + 1, self._width - len(part)))
                self._row().put(start, part, style)
        head = self._glyphs.failed if step.failed and step.layer != "dns" and step.layer != "sip" else None
        line[-1 if to_the_right else 0] = head or (self._glyphs.right if to_the_right else self._glyphs.left)
        self._row().put(left, line, style)

    def _note(self, name: str, text: str, style: str) -> None:
        """Beside its lane, on the side where it fits or where there is more room."""
        lane = self._lanes[name]
        content = self._cells(text)
        room_right, room_left = self._width - lane - 2, lane - 1 - TIME_WIDTH
        to_the_right = len(content) <= room_right or room_right >= room_left
        room = room_right if to_the_right else room_left
        lines = wrap(content, room, lines=NOTE_LINES, mark=self._glyphs.more)
        start = lane + 2 if to_the_right else lane - 1 - max(map(len, lines))
        for index, line in enumerate(lines):
            row = self._row()
            if index == 0:
                row.put(lane, [self._glyphs.note], style)
            row.put(start, line, style)

    def _row(self) -> _Row:
        row = _Row([" "] * self._width)
        for lane in self._lanes.values():
            row.cells[lane] = self._glyphs.lane
        self.rows.append(row)
        return row

    def _cells(self, text: str) -> list[str]:
        return cells(escape(text, ascii_only=self._ascii_only))


def _milliseconds(seconds: float) -> str:
    milliseconds = f"{seconds * 1000:.1f}"
    return (
        milliseconds.rjust(TIME_WIDTH - 1)
        if len(milliseconds) < TIME_WIDTH
        else f"{seconds:.0f}s".rjust(TIME_WIDTH - 1)
    )
