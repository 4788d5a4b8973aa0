"""The federation name rule: may this host serve that domain? (R9-R14, F1.11)."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal

from simulator.names.name import FlawedName, Fqdn, NameFlaw, SipDomain
from simulator.names.warnings import NameWarning, warnings_of


class NameRuleReason(enum.Enum):
    """How a target's name lies to a domain; the value is how reports spell it."""

    EQUAL = "equal"
    DIRECT_SUBDOMAIN = "direct-subdomain"
    EQUALITY_NOT_ACCEPTED = "equality-not-accepted"
    TOO_DEEP = "too-deep"
    PARENT_DOMAIN = "parent-domain"
    OTHER_DOMAIN = "other-domain"


@dataclass(frozen=True, slots=True)
class NameRuleVerdict:
    """What the name rule says of one target."""

    reason: NameRuleReason
    "How the two names lie to each other."
    sentence: str
    "The reason for people, and what to use instead where the target is not allowed."

    @property
    def allowed(self) -> bool:
        """Whether a partner that applies the rule would use the target."""
        return self.reason in (NameRuleReason.EQUAL, NameRuleReason.DIRECT_SUBDOMAIN)


def name_rule(domain: SipDomain, target: Fqdn, *, equal_ok: bool = True) -> NameRuleVerdict:
    """Judge whether `target` may be the federation server of `domain`: the domain, or one label below it (R9, F1.11).

    `equal_ok=False` is the reading in which the domain's own name is refused too: only R10 asserts it (C15, Q1).
    Skype for Business applies the rule to SRV targets; static routes and hosting providers are exempt (F1.15, F0.3).
    """
    advice = f"use {domain} or one label below it, such as sip.{domain}"
    if target.labels == domain.labels:
        if equal_ok:
            return NameRuleVerdict(NameRuleReason.EQUAL, f"{target} is the domain's own name.")
        return NameRuleVerdict(
            NameRuleReason.EQUALITY_NOT_ACCEPTED,
            f"{target} is the domain's own name, and only a name one label below it counts: use sip.{domain}.",
        )
    if domain.is_parent_of(target):
        return NameRuleVerdict(NameRuleReason.DIRECT_SUBDOMAIN, f"{target} lies directly below {domain}.")
    if domain.is_ancestor_of(target):
        depth = len(target.labels) - len(domain.labels)
        return NameRuleVerdict(NameRuleReason.TOO_DEEP, f"{target} lies {depth} labels below {domain}: {advice}.")
    if domain.labels[-len(target.labels) :] == target.labels:
        return NameRuleVerdict(NameRuleReason.PARENT_DOMAIN, f"{target} lies above {domain}, not below it: {advice}.")
    return NameRuleVerdict(NameRuleReason.OTHER_DOMAIN, f"{target} does not lie in {domain}: {advice}.")


class NameAnswer(enum.Enum):
    """The three answers to a pair of texts, of which the last two are not the same (P6)."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "not-allowed"
    "Both are names, but the rule says no: another name would do."
    INVALID = "invalid"
    "One of the two is no name at all, or not one for its role: no rule was asked."


@dataclass(frozen=True, slots=True)
class NameJudgement:
    """What there is to say about a domain and a target as somebody wrote them."""

    answer: NameAnswer
    "Which of the three it is."
    reason: NameRuleReason | NameFlaw
    "Why, as data: of the rule, or what is wrong with the text."
    sentence: str
    "Why, for people."
    flawed: Literal["domain", "target"] | None = None
    "Which of the two texts is invalid."
    warnings: tuple[NameWarning, ...] = ()
    "What is legal and seldom meant, of the domain first; none when invalid."


def judge_names(domain: str, target: str, *, equal_ok: bool = True) -> NameJudgement:
    """Read both texts, then apply `name_rule` and collect the warnings; never raises for what they hold.

    Costs about 0.15 s once, for the list of public suffixes.
    """
    try:
        own = SipDomain.parse(domain)
    except FlawedName as flawed:
        return NameJudgement(NameAnswer.INVALID, flawed.flaw, f"As SIP domain, {flawed}", "domain")
    try:
        host = Fqdn.parse(target)
    except FlawedName as flawed:
        return NameJudgement(NameAnswer.INVALID, flawed.flaw, f"As FQDN, {flawed}", "target")
    verdict = name_rule(own, host, equal_ok=equal_ok)
    answer = NameAnswer.ALLOWED if verdict.allowed else NameAnswer.NOT_ALLOWED
    warnings = tuple(dict.fromkeys(warnings_of(own) + warnings_of(host)))
    return NameJudgement(answer, verdict.reason, verdict.sentence, None, warnings)
