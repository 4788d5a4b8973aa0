"""The line of every key in a TOML text; `tomllib` says which keys there are."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from simulator.connect_server.settings import EXAMPLE
from simulator.toml.places import Path, line_of, lines, spell

TRICKY = '''\
# [comment] x = 1
title = "a # b = [c]"  # comment
'quoted key' = 'lit\\'
"esc\\u0061ped" . dotted = 1
multi = """
[not.a.table]
x = "1" \\"""
"""""
literal = \'\'\'
y = 2\'\'\'\'
dates = [ 1979-05-27 07:32:00Z, # a comment, with ] and }
  07:32:00,
  [ 1, { in = "}", deep.er = [2] } ],
]
inline = { a = 1, b = { c = "," } }

[table.sub]
key = -inf

  [[array]]
n = 1
[array.child]
m = 1
[[array.inner]]
[[array.inner]]
z = 1
[[array]]
n = 2
[[array.inner]]
z = 2
'''


def paths(value: object, at: Path = ()) -> Iterator[Path]:
    """Every key and element that `tomllib` found."""
    if isinstance(value, dict):
        items: list[tuple[str | int, object]] = list(value.items())
    else:
        items = list(enumerate(value)) if isinstance(value, list) else []
    for key, item in items:
        yield (*at, key)
        yield from paths(item, (*at, key))


@pytest.mark.parametrize("text", [TRICKY, EXAMPLE, "", "# only a comment", "\n\n"])
def test_every_key_that_tomllib_finds_has_a_line(text: str) -> None:
    assert set(lines(text)) == set(paths(tomllib.loads(text)))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("quoted key",), 3),
        (("escaped",), 4),
        (("escaped", "dotted"), 4),
        (("multi",), 5),
        (("literal",), 9),
        (("dates", 0), 11),
        (("dates", 1), 12),
        (("dates", 2, 1, "in"), 13),
        (("dates", 2, 1, "deep", "er", 0), 13),
        (("inline", "b", "c"), 15),
        (("table",), 17),
        (("table", "sub", "key"), 18),
        (("array",), 20),
        (("array", 0), 20),
        (("array", 0, "child", "m"), 23),
        (("array", 0, "inner", 1, "z"), 26),
        (("array", 1), 27),
        (("array", 1, "n"), 28),
        (("array", 1, "inner", 0, "z"), 30),
    ],
)
def test_a_key_stands_on_the_line_where_a_reader_finds_it(path: Path, line: int) -> None:
    assert lines(TRICKY)[path] == line


KEYS = st.from_regex(r"[A-Za-z0-9_-]{1,5}|\"[ -!#-\[\]-~]{0,5}\"|'[ -&(-~]{0,5}'", fullmatch=True)
SCALARS = st.one_of(
    st.integers(-99, 99).map(str),
    st.sampled_from(["true", "1979-05-27 07:32:00", "1e3", '"""\n"a"\\""" \n"""', "'''\n'''''", '"\\"#["', "'\\'"]),
    st.text("ab]}[{=,#", max_size=5).map(lambda text: f'"{text}"'),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[\n" + ",  # ]\n".join(items) + "]")
        | st.dictionaries(KEYS, inner, max_size=3).map(
            lambda table: "{ " + ", ".join(f"{key} = {value}" for key, value in table.items()) + " }"
        )
    ),
    max_leaves=6,
)
DOTTED = st.lists(KEYS, min_size=1, max_size=3).map(" . ".join)
STATEMENTS = st.one_of(
    st.tuples(DOTTED, VALUES).map(" = ".join),
    DOTTED.map("[{}]".format),
    DOTTED.map("[[ {} ]]  # comment".format),
    st.sampled_from(["", "# a = [", "\t"]),
)


@given(st.lists(STATEMENTS, max_size=6))
def test_any_toml_has_a_line_for_every_key(statements: list[str]) -> None:
    text = "\n".join(statements)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        reject()

    found = lines(text)

    assert set(found) == set(paths(document))
    assert all(1 <= line <= text.count("\n") + 1 for line in found.values())


def test_what_is_missing_stands_on_the_line_of_its_table() -> None:
    places = lines("a = 1\n[[table]]\nx = 1\n[[table]]\n")

    assert line_of(places, ("table", 1, "x")) == 4
    assert line_of(places, ("table", 0, "x")) == 3
    assert line_of(places, ("nowhere",)) is None
    assert line_of(places, ()) is None


@pytest.mark.parametrize(
    ("path", "spelled"),
    [
        (("routes", 1, "port"), "routes[1].port"),
        (("a", "b c"), "a.'b c'"),
        (("\x1b",), r"'\x1b'"),
        ((), ""),
    ],
)
def test_a_place_is_spelled_as_people_write_it(path: Path, spelled: str) -> None:
    assert spell(path) == spelled
