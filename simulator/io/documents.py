"""Presence documents between the subscriptions and the formats: which one is written, and what came (RFC 3856 §6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from simulator.errors import RemoteProtocolError
from simulator.io.account import Account
from simulator.io.dialect import Dialect
from simulator.presence import (
    FORMATS,
    PresenceDocument,
    PresenceMapping,
    PresenceState,
    Publication,
    batch,
    categories,
    choose,
    multipart,
    read_documents,
    rlmi,
)
from simulator.sip.message import Message, Request
from simulator.sip.uri import SipUri

CATEGORIES = tuple(categories.NAMES)
"What a watcher gets that did not say what it wants."
LIST_TYPES = frozenset({rlmi.CONTENT_TYPE, multipart.CONTENT_TYPE})


@dataclass(frozen=True, slots=True)
class Form:
    """How the notifications of one subscription are written, chosen when it begins (MS-PRES 1.3.3)."""

    content_type: str
    "The format of the document about one person."
    categories: tuple[str, ...] = CATEGORIES
    "The categories that the watcher asked for."
    people: tuple[str, ...] = ()
    "Whom a list (RLMI) is about; none: it is no list."


def choose_form(request: Request, dialect: Dialect) -> Form | None:
    """What a watcher gets: the notifier's dearest format that its Accept names; None where nothing fits (406).

    Raises RemoteProtocolError where the headers or the batch body cannot be read.
    """
    accept = request.headers.values("Accept")
    content_type = choose(accept, dialect.presence_formats)
    if content_type is None:
        return None
    wanted = batch.read(request.body) if request.body and request.content_type == batch.CONTENT_TYPE else None
    if wanted is None:
        return Form(content_type)
    names = tuple(name for name in CATEGORIES if name in wanted.categories) or CATEGORIES
    takes_lists = {value.partition(";")[0].strip().lower() for value in accept} >= LIST_TYPES
    listed = dialect.answers_lists and takes_lists and len(wanted.people) > 1
    return Form(content_type, names, tuple(SipUri.parse(uri).aor for uri in wanted.people) if listed else ())


def write_document(
    account: Account,
    form: Form,
    dialect: Dialect,
    published: datetime,
    version: int = 1,
    before: PresenceState | None = None,
) -> tuple[bytes, str]:
    """The document about one user and its media type; with `before`, formats that can say only what has changed."""
    said = Publication(
        state=account.shown,
        entity=account.uri,
        published=published,
        version=version,
        before=before,
        categories=form.categories,
        epid=account.epid if dialect.epid else "",
    )
    return FORMATS[form.content_type].write(said, dialect.style), form.content_type


def documents_in(
    message: Message, presentity: str, mapping: PresenceMapping
) -> list[tuple[str, PresenceDocument | None]]:
    """What a notification says and about whom; one entry without a document where it has no body.

    A document about one person is about whom was subscribed to, whatever entity it names. Raises RemoteProtocolError
    for what cannot be read.
    """
    if not message.body:
        return [(presentity, None)]
    found = read_documents(message.body, message.headers.get("Content-Type"), mapping)
    if message.content_type not in LIST_TYPES:
        return [(presentity, document) for document in found]
    return [(_listed(document.entity), document) for document in found]


def _listed(entity: str | None) -> str:
    if entity is None:
        raise RemoteProtocolError("A resource of the list has no uri.")
    return SipUri.parse(entity).aor
