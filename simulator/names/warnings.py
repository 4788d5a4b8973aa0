"""What is legal in a name and seldom meant: look-alikes, IDNA 2003, public suffixes, addresses (P7, P8, P10; F7.2)."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import idna

from simulator.errors import InvalidName
from simulator.names.name import Fqdn, Host, SipDomain
from simulator.names.scripts import latin_lookalike, mixed, scripts_of

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_IDNA_2003: Final = str.maketrans({"ß": "ss", "ς": "σ", "\u200c": "", "\u200d": ""})
"What the older standard made of the four characters that both allow and read differently (RFC 5894 §7.2)."


class NameWarningKind(enum.Enum):
    """What a warning is about; the value is how reports spell it."""

    MIXED_SCRIPTS = "mixed-scripts"
    "One label holds letters of several alphabets: a homograph, or a typing mistake."
    LOOKALIKE = "lookalike"
    "A label of one alphabet in which every letter looks like a Latin one, under a top label of another."
    IDNA_2003 = "idna-2003"
    "Software on the older standard takes the name for another one: straße.de for strasse.de."
    PUBLIC_SUFFIX = "public-suffix"
    "Strangers register names below the domain, so that the name rule says little (P10)."
    SINGLE_LABEL = "single-label"
    "A host without a domain: legal in SIP, but no public DNS and no public authority knows it (P8)."
    IP_ADDRESS = "ip-address"
    "A static route to an address, which certificates seldom hold (R33, R34)."


@dataclass(frozen=True, slots=True)
class NameWarning:
    """One thing to look at twice; never a reason to refuse the name."""

    kind: NameWarningKind
    "What it is about."
    sentence: str
    "What was seen and what it can lead to, for people."
    scripts: tuple[str, ...] = ()
    "Of MIXED_SCRIPTS and LOOKALIKE: the alphabets of the label, in alphabetical order."
    other: str | None = None
    "The name that this one can be taken for, where there is one: A-labels."


def warnings_of(name: SipDomain | Host) -> tuple[NameWarning, ...]:
    """Everything about a name or address that is legal and seldom meant; what a host serves is not known here.

    The first SipDomain costs about 0.15 s for the list of public suffixes, which is as old as the installed package
    `publicsuffixlist`.
    """
    if not isinstance(name, Fqdn | SipDomain):
        sentence = (
            f"{name} is an IP address: certificates seldom hold one, so that the check of the name fails (R34), "
            "and Skype for Business takes none for a partner (F1.8)."
        )
        return (NameWarning(NameWarningKind.IP_ADDRESS, sentence),)
    found = [*_look_alikes(name), *_older_idna(name)]
    if len(name.labels) == 1:
        sentence = f"{name} is a single label: only a local resolver knows it, and no public authority certifies it."
        found.append(NameWarning(NameWarningKind.SINGLE_LABEL, sentence))
    if isinstance(name, SipDomain) and is_public_suffix(name):
        sentence = (
            f"{name} is a public suffix, below which strangers register their names: "
            f"the name rule would take any of them, such as example.{name}, for its server."
        )
        found.append(NameWarning(NameWarningKind.PUBLIC_SUFFIX, sentence))
    return tuple(found)


def is_public_suffix(domain: SipDomain) -> bool:
    """Whether strangers register names directly below `domain`: `co.uk`, and providers' names such as `github.io`."""
    return _public_suffixes().is_public(str(domain))


@cache
def _public_suffixes() -> PublicSuffixList:
    from publicsuffixlist import PublicSuffixList  # reads 10,000 rules, which most runs need not pay for

    return PublicSuffixList()


def _look_alikes(name: Fqdn | SipDomain) -> Iterator[NameWarning]:
    top = scripts_of(idna.ulabel(name.labels[-1]))
    seen_as = ".".join(latin_lookalike(idna.ulabel(label)) or label for label in name.labels)
    for label in name.labels:
        if not label.startswith("xn--"):
            continue
        readable = idna.ulabel(label)
        scripts, latin = scripts_of(readable), latin_lookalike(readable)
        other = seen_as if latin is not None else None
        taken_for = f" It can be taken for {other}." if other else ""
        if mixed(scripts):
            sentence = f"The label {readable!r} ({label}) of {name} mixes {' and '.join(scripts)} letters.{taken_for}"
            yield NameWarning(NameWarningKind.MIXED_SCRIPTS, sentence, scripts, other)
        elif other is not None and scripts != top:
            sentence = f"Every letter of {readable!r} ({label}) in {name} is {scripts[0]}.{taken_for}"
            yield NameWarning(NameWarningKind.LOOKALIKE, sentence, scripts, other)


def _older_idna(name: Fqdn | SipDomain) -> Iterator[NameWarning]:
    readable = name.unicode
    older = readable.translate(_IDNA_2003)
    if older == readable:
        return
    try:
        other = str(Fqdn.parse(older))
    except InvalidName:
        other = None
    finds = f"takes it for {other}" if other else "does not take it for a name"
    sentence = f"Software on the older IDNA standard of 2003 {finds}: {readable} ({name})."
    yield NameWarning(NameWarningKind.IDNA_2003, sentence, (), other)
