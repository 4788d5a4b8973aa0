"""The whole examination, step by step, each within its limit (R27-R42; F6.1-F6.5)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from cryptography import x509

from simulator import trust
from simulator.discovery import Attempt
from simulator.doctor.certificate import TEAMS, Examination, Judge, fingerprint
from simulator.doctor.checkup import Checkup
from simulator.doctor.lookup import Lookup
from simulator.doctor.revocation import Revocation
from simulator.doctor.roots import public_roots
from simulator.doctor.server import Visit, Visitor
from simulator.doctor.steps import CERTIFICATE_STEPS, SERVER_STEPS, Report, Step, not_checked
from simulator.io.resolver import Resolver

OnStep = Callable[[Step], None]


async def examine(checkup: Checkup, on_step: OnStep = lambda _step: None) -> Report:
    """Do every step that can be done; `on_step` gets each as soon as it is there, in the order of the report.

    Never raises for what the DNS or a server does. Cancelling it closes every connection.
    """
    at = checkup.at or datetime.now(UTC)
    steps: list[Step] = []

    def add(step: Step) -> None:
        steps.append(step)
        on_step(step)

    resolver = Resolver(checkup.dns)
    found = await Lookup(checkup, resolver).run()
    for step in found.steps:
        add(step)
    if not found.attempts:
        for step in not_checked(SERVER_STEPS, f"Not checked: {found.reason}."):
            add(step)
    examiner = _CertificateSteps(checkup, at, Revocation(checkup.limit, resolver if checkup.dns else None))
    visitor = Visitor(checkup)
    tasks = [asyncio.ensure_future(visitor.visit(attempt)) for attempt in found.attempts]
    try:
        for attempt, task in zip(found.attempts, tasks, strict=True):
            visit = await task
            for step in (*visit.before, *await examiner.steps(attempt, visit), *visit.after):
                add(step)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return Report(
        domain=str(checkup.domain),
        mode="open" if checkup.static is None else "static",
        side="ours" if checkup.our_side else "partner",
        sender=str(checkup.requester),
        at=at,
        steps=tuple(steps),
        notes=_notes(checkup),
    )


class _CertificateSteps:
    """Judges what servers presented; the same certificate only once."""

    def __init__(self, checkup: Checkup, at: datetime, revocation: Revocation) -> None:
        self._checkup = checkup
        self._at = at
        self._revocation = revocation
        self._judged: dict[tuple[object, ...], str] = {}

    async def steps(self, attempt: Attempt, visit: Visit) -> list[Step]:
        """`chain` to `key` for one address."""
        where = visit.where
        if not visit.chain:
            return not_checked(CERTIFICATE_STEPS, "Not checked: no certificate was seen.", where=where)
        key = (attempt.target.name, *map(fingerprint, visit.chain))
        if key in self._judged:
            # Nothing is left out: the judgement stands under the other address.
            return []
        self._judged[key] = where
        began = time.monotonic()
        judged = Examination(
            visit.chain,
            attempt.target.host,
            self._at,
            self._judges(),
            private=self._checkup.roots is not None,
        ).steps()
        seconds = (time.monotonic() - began) / len(judged)
        by_id = {step.id: replace(step, seconds=seconds) for step in judged}
        began = time.monotonic()
        revocation = await self._revocation.check(visit.chain, self._roots(), self._at)
        by_id["revocation"] = replace(revocation, seconds=time.monotonic() - began)
        return [replace(by_id[name], where=where) for name in CERTIFICATE_STEPS]

    def _roots(self) -> tuple[x509.Certificate, ...]:
        return self._checkup.roots if self._checkup.roots is not None else public_roots()

    def _judges(self) -> tuple[Judge, ...]:
        roots = self._roots()
        if not self._checkup.our_side:
            return (Judge("a SIP server with strict rules", trust.CONNECT_SERVER, roots),)
        return (
            Judge("Skype for Business", trust.S4B, roots),
            Judge("Microsoft Teams", TEAMS, public_roots()),
        )


def _notes(checkup: Checkup) -> tuple[str, ...]:
    other = "your own server" if not checkup.our_side else "its partners"
    notes = [
        f"Out of scope: whether {checkup.domain} can dial back to {other}. Federation needs both directions, and only "
        "a message from the other side shows the second one."
    ]
    if checkup.static is None and checkup.dns is None:
        notes.append("The DNS was asked from this machine; partners see the public DNS, which may answer differently.")
    return tuple(notes)
