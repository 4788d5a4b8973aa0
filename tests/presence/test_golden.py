"""The bodies on file: ours byte for byte, and what is read from those of others."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.errors import RemoteProtocolError
from simulator.presence import PresenceState, batch, multipart, read_documents
from tests.presence.golden import FOLDER, INDEX, bodies
from tests.presence.judge import mistakes

OURS = bodies()
OTHERS = [entry for entry in INDEX if entry["file"] not in OURS]
CONTENT_TYPES = {entry["file"]: entry["content_type"] for entry in INDEX}


def test_every_body_is_on_file_with_the_facts_it_stands_on() -> None:
    assert sorted(CONTENT_TYPES) == sorted(path.name for path in FOLDER.iterdir())
    assert set(OURS) <= set(CONTENT_TYPES)
    assert all(entry["facts"] for entry in INDEX)


@pytest.mark.parametrize("name", OURS)
def test_we_write_what_is_on_file(name: str) -> None:
    assert OURS[name] == (FOLDER / name).read_bytes()


@pytest.mark.parametrize("name", [name for name in OURS if name.endswith(".xml")])
def test_what_we_wrote_is_valid(name: str) -> None:
    assert mistakes(CONTENT_TYPES[name], (FOLDER / name).read_bytes()) == ""


@pytest.mark.parametrize("entry", OTHERS, ids=lambda entry: entry["file"])
def test_bodies_of_others_are_read_or_refused_as_the_index_says(entry: dict[str, Any]) -> None:
    body = (FOLDER / entry["file"]).read_bytes()
    if "refused" in entry:
        with pytest.raises(RemoteProtocolError, match=entry["refused"]):
            read_documents(body, entry["content_type"])
    elif entry["content_type"] == batch.CONTENT_TYPE:
        assert list(batch.read(body).people) == entry["people"]
    else:
        documents = read_documents(body, entry["content_type"])
        assert [shown(document.entity, document.state) for document in documents] == entry["shows"]


def shown(entity: str | None, state: PresenceState) -> str:
    """A document in one line, with what is not there left out."""
    said = (entity, state.availability.value, state.activity, state.note, state.display_name, state.device)
    return " | ".join(part for part in said if part is not None)


def test_a_list_with_documents_is_read_from_its_file() -> None:
    documents = read_documents((FOLDER / "rlmi.multipart").read_bytes(), CONTENT_TYPES["rlmi.multipart"])

    assert [(document.subscription, document.pool, document.reason) for document in documents] == [
        ("active", None, None),
        ("active", None, None),
        ("pending", None, None),
        ("terminated", None, "rejected"),
        ("resubscribe", "pool02.contoso.com", None),
        ("resubscribe", None, None),
    ]
    assert CONTENT_TYPES["rlmi.multipart"].startswith(multipart.CONTENT_TYPE)
