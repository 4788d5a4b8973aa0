"""The rules of an edge: whom it connects to, whom it lets in, and what it notes (discovery facts §2.2)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias

from simulator.discovery import DiscoveryRules
from simulator.errors import FederationFailed
from simulator.io.account import Refusal
from simulator.io.admission import domain_of, sender_domain
from simulator.io.link import Link
from simulator.io.link_user import LinkLost
from simulator.io.peering import Cause, NotFederated, NotFound, OpenWay, Peering, StaticWay, Way, cause_of
from simulator.names import Fqdn, SipDomain
from simulator.partner.diagnostics import Diagnostic, parameters_of
from simulator.partner.limits import DiscoveredLimits
from simulator.partner.log import (
    CERT_EXPIRED,
    CERT_MISMATCH,
    NO_CODE,
    NO_SRV_MATCH,
    UNTRUSTED_ROOT,
    WRONG_PRINCIPAL,
    Code,
    EdgeLog,
    EdgeLogEntry,
)
from simulator.partner.personas import Answer, Persona
from simulator.partner.policy import FederationPolicy, Source
from simulator.partner.tenant_policy import TenantPolicy
from simulator.sip.message import Request, Response
from simulator.trust import ReasonKind, Verdict

Policy: TypeAlias = FederationPolicy | TenantPolicy

IN: Final[Mapping[str, Code]] = {
    "no_srv": NO_SRV_MATCH,
    "no_match": NO_SRV_MATCH,
    "no_address": NO_SRV_MATCH,
    "certificate": CERT_MISMATCH,
}
"Result codes of what is wrong with a sender (F1.14, F1.26)."
OUT: Final[Mapping[ReasonKind, tuple[Code, str]]] = {
    ReasonKind.WRONG_NAME: (WRONG_PRINCIPAL, "The peer certificate does not contain a matching FQDN"),
    ReasonKind.WILDCARD: (WRONG_PRINCIPAL, "The peer certificate does not contain a matching FQDN"),
    ReasonKind.UNTRUSTED: (UNTRUSTED_ROOT, "The peer certificate is not chained off a trusted root"),
    ReasonKind.NO_NAME: (WRONG_PRINCIPAL, "The peer certificate does not contain a matching FQDN"),
    ReasonKind.SELF_SIGNED: (UNTRUSTED_ROOT, "The peer certificate is not chained off a trusted root"),
    ReasonKind.MISSING_INTERMEDIATE: (UNTRUSTED_ROOT, "The peer certificate is not chained off a trusted root"),
    ReasonKind.EXPIRED: (CERT_EXPIRED, "The peer certificate has expired"),
}
"Result codes of what is wrong with the certificate of a server that was dialled (F1.25), and the `ErrorType` of each."
RESET: Final = (
    ("WinsockFailureCode", "10054(WSAECONNRESET)"),
    ("WinsockFailureDescription", "The peer forced closure of the connection"),
)
"Parameters of 1047 (dialect facts §5.2)."


class EdgeRules(Peering):
    """The persona's rules applied to the policies of the partner's domains; the same table serves both directions."""

    def __init__(
        self,
        persona: Persona,
        policies: Mapping[SipDomain, Policy],
        *,
        fqdn: Fqdn,
        log: EdgeLog,
        now: Callable[[], float],
        is_contact: Callable[[str, str], bool],
    ) -> None:
        """`is_contact` says whether the second `sip:user@domain` is on the contact list of the first."""
        self.persona = persona
        self.policies = policies
        self.limits = DiscoveredLimits(persona.edge)
        self.rng = random.Random(persona.discovery.seed)
        "Makes the weighted choices of all discoveries, seeded by the persona where it has a seed."
        self._policy_by_name = {str(domain): policy for domain, policy in policies.items()}
        self._fqdn = fqdn
        self._log = log
        self._now = now
        self._is_contact = is_contact
        self._discovery: dict[frozenset[Fqdn], DiscoveryRules] = {}

    # -- going out ----------------------------------------------------------------------------------------------

    def way_to(self, domain: SipDomain, user: str = "") -> Way:
        policy = self._policy_of(user)
        if policy is None:
            policy = self._anybodys_policy(domain)
        else:
            why_not = policy.why_not_together(_name(user), domain)
            if why_not is not None:
                raise NotFederated(why_not)
        proxy = policy.proxy_for(domain)
        if proxy is not None:
            return StaticWay(domain, proxy.fqdn, proxy.port, self.persona.discovery)
        return OpenWay(domain, self._discovery_rules(policy), self.rng)

    def way_of_hand(self, domain: SipDomain) -> Way:
        """The way to `domain`, found as any other where no policy lets anybody go there."""
        try:
            return self.way_to(domain)
        except NotFederated:
            return OpenWay(domain, self.persona.discovery, self.rng)

    def may_send(self, user: str, domain: SipDomain) -> None:
        policy = self._policy_of(user)
        why_not = None if policy is None else policy.why_not_user(_name(user), domain)
        if why_not is not None:
            raise NotFederated(why_not, "user_not_enabled")

    def unreachable(self, error: FederationFailed, who: str, log: Callable[[str], None]) -> tuple[str, ...]:
        del log
        cause, code, details = _explain(error)
        diagnostic = self._diagnostic(cause, details)
        sentence = f"{who}: {error}" if who else str(error)
        self._log.put(EdgeLogEntry(self._now(), "error", *self._known(code), diagnostic, sentence))
        return (diagnostic,) if diagnostic else ()

    def on_failure(self, link: Link, response: Response) -> None:
        """A request of ours was refused; when the partner does not say why, our own log says that (1034)."""
        if any(response.headers.get(name) for name in ("ms-diagnostics", "ms-diagnostics-public")):
            return
        details = [("Domain", response.to.parsed_uri.domain), ("PeerServer", link.expected or link.peer_address)]
        diagnostic = self._diagnostic("no_reason", details)
        if diagnostic:
            sentence = f"{_peer(link)} answers {response.status} {response.reason} and does not say why."
            entry = EdgeLogEntry(self._now(), "warning", *NO_CODE, diagnostic, sentence, response.call_id)
            self._log.put(replace(entry, start_line=response.start_line, peer=_peer(link)))

    # -- coming in ----------------------------------------------------------------------------------------------

    def refusal(self, cause: Cause, sentence: str, details: Sequence[tuple[str, str]] = ()) -> Refusal:
        answer: Answer = getattr(self.persona.answers, cause)
        warning = ((_WARNING[0], _WARNING[1].format(self._fqdn)),) if cause == "filtered" else ()
        return Refusal(
            answer.status, answer.reason, sentence, cause, headers=warning, closes=answer.closes, details=tuple(details)
        )

    def on_arrival(self, link: Link, request: Request) -> Refusal | None:
        del link
        habits = self.persona.edge
        if len(request.body) > habits.max_body:
            return self.refusal("too_large", f"The body of {len(request.body)} bytes is over {habits.max_body}.")
        if habits.from_must_match and "P-Asserted-Identity" in request.headers:
            asserted, claimed = sender_domain(request), domain_of(request.from_.uri)
            if asserted != claimed:
                sentence = f"From names {claimed}, but P-Asserted-Identity {asserted}."
                return self.refusal("source_domain", sentence, [("domain", str(claimed))])
        return None

    def on_proven(self, link: Link, request: Request, way: Way, servers: Sequence[str]) -> Refusal | None:
        user, sender = request.to.parsed_uri.aor, request.from_.parsed_uri.aor
        policy = self._policy_of(user)
        if policy is None:
            return None
        source = self._source_of(policy, way, servers)
        if source == "DiscoveredPartner":
            exceeded = self.limits.check(_peer(link), user, self._now())
            if exceeded is not None:
                return self.refusal(*exceeded)
        why_not = policy.why_not_user(_name(user), way.domain)
        if why_not is not None:
            return self.refusal("user_not_enabled", why_not)
        return self._unverified(policy, source, request, way, servers, sender) or self._filtered(policy, request)

    def refused(self, link: Link, request: Request, refusal: Refusal, log: Callable[[str], None]) -> None:
        del log
        code = self._known(IN.get(refusal.cause, NO_CODE))
        self._log.put(
            EdgeLogEntry(
                self._now(),
                "error" if refusal.status in (403, 504) else "warning",
                *code,
                self._diagnostic(refusal.cause, refusal.details),
                f"{request.method} refused: {refusal.sentence}",
                request.headers.get("Call-ID") or "",
                request.start_line,
                _peer(link),
                refusal.status,
            )
        )
        if self.limits.on_refused(_peer(link), refusal.cause):
            sentence = f"Multiple user domain validation failures from federated partner {_peer(link)}."
            self._log.put(EdgeLogEntry(self._now(), "warning", *NO_CODE, "", sentence, peer=_peer(link)))

    # -- inside -------------------------------------------------------------------------------------------------

    def _policy_of(self, user: str) -> Policy | None:
        """The policy of the domain of `sip:user@domain`; None when it is none of ours."""
        return self._policy_by_name.get(user.rpartition("@")[2])

    def _anybodys_policy(self, domain: SipDomain) -> Policy:
        """A policy that federates with `domain`, where it is not known who of ours is concerned."""
        why_not = {own: policy.why_not(domain) for own, policy in self.policies.items()}
        willing = [own for own, sentence in why_not.items() if sentence is None]
        if not willing:
            raise NotFederated(next(iter(why_not.values())) or "")
        return self.policies[willing[0]]

    def _discovery_rules(self, policy: Policy) -> DiscoveryRules:
        providers = frozenset(policy.providers())
        if not providers:
            return self.persona.discovery
        if providers not in self._discovery:
            own = self.persona.discovery
            self._discovery[providers] = replace(own, hosting_providers=own.hosting_providers | providers)
        return self._discovery[providers]

    def _source_of(self, policy: Policy, way: Way, servers: Sequence[str]) -> Source:
        if isinstance(way, StaticWay):
            return "DirectPartner"
        if any(str(provider) in servers for provider in way.rules.hosting_providers):
            return "AuthorizedServer"
        listed = policy.allowed is not None and way.domain in policy.allowed
        return "AllowedDomain" if listed else "DiscoveredPartner"

    def _unverified(
        self, policy: Policy, source: Source, request: Request, way: Way, servers: Sequence[str], sender: str
    ) -> Refusal | None:
        """The refusal of a message that is not verified and does not come from a contact (F1.7)."""
        providers = policy.providers()
        provider = next((providers[fqdn] for fqdn in providers if str(fqdn) in servers), None)
        level = policy.verification(source, way.domain, provider)
        habits = self.persona.edge
        marked = request.headers.get(habits.verification_header)
        if level == "AlwaysVerifiable":
            return None
        if level == "UseSourceVerification":
            if (marked is None and habits.unmarked == "verified") or (marked and "=verified" in marked.lower()):
                return None
            if marked is None and habits.unmarked == "rejected":
                return self.refusal("unverified_sender", f"{sender} sends no {habits.verification_header}.")
        if self._is_contact(request.to.parsed_uri.aor, sender):
            return None
        if self.persona.answers.unverified_sender.status == 200:
            # Dropped in silence: the session is taken as any other, and nothing that is said in it arrives.
            if request.method != "MESSAGE":
                return None
        elif request.to.tag is not None:
            return None
        return self.refusal("unverified_sender", f"{sender} is not verified ({level}) and no contact of the user.")

    def _filtered(self, policy: Policy, request: Request) -> Refusal | None:
        if request.method != "MESSAGE" or not policy.filtered:
            return None
        text = request.body.decode("utf-8", "replace").lower()
        word = next((word for word in policy.filtered if word.lower() in text), None)
        return None if word is None else self.refusal("filtered", f"The message holds {word!r}, which is filtered.")

    def _known(self, code: Code) -> Code:
        """The result code as this product writes it; the codes are Microsoft's."""
        return code if self.persona.edge.result_codes else NO_CODE

    def _diagnostic(self, cause: str, details: Sequence[tuple[str, str]]) -> str:
        answer = getattr(self.persona.answers, cause, None)
        if not isinstance(answer, Answer) or answer.inside is None:
            return ""
        return Diagnostic(*answer.inside, tuple(details)).header(str(self._fqdn))[1]


_WARNING: Final = ("Warning", '309 {} "Message contents not allowed by policy"')


def _explain(error: FederationFailed) -> tuple[str, Code, Sequence[tuple[str, str]]]:
    """Row of the matrix, result code and parameters of what went wrong on the way out."""
    match error:
        case NotFederated(cause=cause):
            return cause, NO_CODE, ()
        case NotFound(failed=failed) if failed is not None:
            return cause_of(failed), NO_CODE, parameters_of(failed)
        case LinkLost(phase="connect"):
            return "no_connection", NO_CODE, (("peer-type", "FederatedPartner"),)
        case LinkLost(phase="tls", verdict=Verdict() as verdict):
            code, error_type = OUT.get(verdict.reasons[0].kind, (NO_CODE, verdict.reasons[0].detail))
            details = [("ErrorType", error_type), ("tls-target", verdict.expected or "")]
            details += [("PeerServer", ", ".join(verdict.names))]
            return "certificate", code, [*details, ("HRESULT", f"{code[0]}({code[1]})")] if code[0] else details
        case LinkLost(phase="tls"):
            return "no_tls", NO_CODE, RESET
    return "", NO_CODE, ()


def _name(user: str) -> str:
    return user.removeprefix("sip:").partition("@")[0].lower()


def _peer(link: Link) -> str:
    return ", ".join(link.peer_names) or link.peer_address
