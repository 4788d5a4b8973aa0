"""Names, the federation name rule and the warnings about both (RFC 3261 §25.1, RFC 5891; R9-R15, P1-P10)."""

from __future__ import annotations

from simulator.names.name import (
    MAX_LABEL,
    MAX_NAME,
    MAX_SIP_DOMAIN,
    SRV_PREFIX,
    FlawedName,
    Fqdn,
    Host,
    NameFlaw,
    SipDomain,
    parse_host,
)
from simulator.names.rule import (
    NameAnswer,
    NameJudgement,
    NameRuleReason,
    NameRuleVerdict,
    judge_names,
    name_rule,
)
from simulator.names.warnings import NameWarning, NameWarningKind, is_public_suffix, warnings_of

__all__ = [
    "MAX_LABEL",
    "MAX_NAME",
    "MAX_SIP_DOMAIN",
    "SRV_PREFIX",
    "FlawedName",
    "Fqdn",
    "Host",
    "NameAnswer",
    "NameFlaw",
    "NameJudgement",
    "NameRuleReason",
    "NameRuleVerdict",
    "NameWarning",
    "NameWarningKind",
    "SipDomain",
    "is_public_suffix",
    "judge_names",
    "name_rule",
    "parse_host",
    "warnings_of",
]
