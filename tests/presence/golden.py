"""The bodies that we write, kept as files: `python -m tests.presence.golden` writes them anew, for review as a diff."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulator.presence import (
    FORMATS,
    GENERIC,
    SKYPE_FOR_BUSINESS,
    TEAMS,
    Activity,
    Availability,
    NoteType,
    PresenceState,
    Publication,
    Style,
    batch,
    categories,
    msrtc,
    pidf,
    rlmi,
    xpidf,
)
from simulator.presence.batch import BatchAction, BatchSubscription, Wanted
from simulator.presence.rlmi import Resource, ResourceList
from simulator.presence.teams import TeamsState, as_state

FOLDER = Path(__file__).parent.parent / "corpus" / "presence"
INDEX: list[dict[str, Any]] = tomllib.loads(FOLDER.with_suffix(".toml").read_text(encoding="utf-8"))["body"]
"What is said of each file: its media type, the facts it stands on, and for those of others what they say."

USER1, USER2 = "sip:user1@contoso.com", "sip:user2@fabrikam.com"
PUBLISHED = datetime(2024, 1, 22, 23, 41, 5, 450_000, UTC)
SFB = Style(layout="rpid-status", mapping=SKYPE_FOR_BUSINESS)
TEAMS_STYLE = Style(layout="rpid-status", mapping=TEAMS)
RFC = Style(layout="rfc4480", mapping=GENERIC)

CALL = PresenceState(
    Availability.BUSY,
    Activity.ON_THE_PHONE,
    "In the lab",
    display_name="User One",
    device="computer",
    last_active=datetime(2024, 1, 22, 23, 40, tzinfo=UTC),
)
FREE = replace(CALL, availability=Availability.AVAILABLE, activity=None)


def document(
    content_type: str,
    state: PresenceState,
    style: Style = SFB,
    before: PresenceState | None = None,
    entity: str = USER1,
) -> bytes:
    """One document, published at the same moment as all others."""
    said = Publication(state=state, entity=entity, published=PUBLISHED, before=before, epid="03640fc59f")
    return FORMATS[content_type].write(said, style)


def listed() -> bytes:
    """A batch with a person in every state of a subscription."""
    one, two = "sip:user3@contoso.com", "sip:user4@contoso.com"
    resources = (
        Resource(one, body=document(categories.CONTENT_TYPE, CALL, entity=one), content_type=categories.CONTENT_TYPE),
        Resource(two, body=document(msrtc.CONTENT_TYPE, FREE, entity=two), content_type=msrtc.CONTENT_TYPE),
        Resource("sip:user5@contoso.com", "pending"),
        Resource("sip:user6@contoso.com", "terminated", reason="rejected"),
        Resource("sip:user7@contoso.com", "resubscribe", pool="pool02.contoso.com"),
        Resource(USER2, "resubscribe"),
    )
    return rlmi.write(ResourceList(USER1, resources), boundary="50UBfW7LSCVLtggUPe5z")[0]


def bodies() -> dict[str, bytes]:
    """Every body by the name of its file."""
    quiet = PresenceState(
        Availability.DO_NOT_DISTURB, Activity.IN_PRESENTATION, "Quiet & calm", display_name="User One"
    )
    away = PresenceState(Availability.AWAY, Activity.OUT_OF_OFFICE, "Back on Monday <8:00>", NoteType.OOF)
    added = BatchAction((Wanted("sip:user3@contoso.com", added=True), Wanted(USER2)), id="63792025")
    return {
        "categories-call.xml": document(categories.CONTENT_TYPE, CALL),
        "categories-oof.xml": document(categories.CONTENT_TYPE, away),
        "categories-custom.xml": document(categories.CONTENT_TYPE, replace(FREE, activity="At the dentist")),
        "categories-presenting-sfb.xml": document(categories.CONTENT_TYPE, quiet),
        "categories-presenting-teams.xml": document(
            categories.CONTENT_TYPE, as_state(TeamsState.PRESENTING), TEAMS_STYLE
        ),
        "categories-idle.xml": document(categories.CONTENT_TYPE, PresenceState(Availability.AVAILABLE_IDLE)),
        "categories-unknown.xml": document(categories.CONTENT_TYPE, PresenceState(Availability.UNKNOWN)),
        "categories-update-state.xml": document(categories.CONTENT_TYPE, CALL, before=FREE),
        "categories-note-cleared.xml": document(categories.CONTENT_TYPE, replace(CALL, note=None), before=CALL),
        "msrtc-call.xml": document(msrtc.CONTENT_TYPE, CALL),
        "msrtc-offline.xml": document(msrtc.CONTENT_TYPE, PresenceState(Availability.OFFLINE)),
        "pidf-rpid-status.xml": document(pidf.CONTENT_TYPE, quiet),
        "pidf-rfc4480.xml": document(pidf.CONTENT_TYPE, quiet, RFC),
        "pidf-rfc4480-other.xml": document(pidf.CONTENT_TYPE, away, RFC),
        "pidf-plain.xml": document(pidf.CONTENT_TYPE, CALL, replace(RFC, layout="plain")),
        "pidf-closed.xml": document(pidf.CONTENT_TYPE, PresenceState(Availability.OFFLINE)),
        "xpidf-call.xml": document(xpidf.CONTENT_TYPE, CALL),
        "xpidf-offline.xml": document(xpidf.CONTENT_TYPE, PresenceState(Availability.OFFLINE)),
        "rlmi.multipart": listed(),
        "batch-single.xml": batch.write(batch.single(USER1, USER2, action_id="63792024")),
        "batch-added.xml": batch.write(BatchSubscription(USER1, (added,))),
    }


if __name__ == "__main__":
    for name, body in bodies().items():
        (FOLDER / name).write_bytes(body)
