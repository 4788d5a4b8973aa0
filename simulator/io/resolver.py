"""Asks the DNS what a discovery plan wants to know (RFC 1035, RFC 2782), with dnspython."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.discovery import Answer, DiscoveryFailed, DiscoveryPlan, Question, Route, SrvRecord, Target

if TYPE_CHECKING:
    import dns.asyncresolver
    import dns.rrset

LIFETIME = 4.0
"Seconds after which a question counts as unanswered."


class Resolver:
    """A stub resolver that asks one server, or the system's when none is given; it caches nothing."""

    def __init__(self, server: tuple[str, int] | None = None, *, source: str | None = None) -> None:
        """`server` is an address and a port; `source` is the local address that questions come from."""
        self._server = server
        self._source = source
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def discover(self, plan: DiscoveryPlan) -> Route | DiscoveryFailed:
        """Ask every question of `plan`, one after the other, and return where it leads."""
        while (question := plan.next_question()) is not None:
            plan.answer(question, await self.ask(question))
        return plan.result

    async def servers(self, plan: DiscoveryPlan) -> tuple[Target, ...] | DiscoveryFailed:
        """Only the names of the servers that `plan` leads to, without their addresses."""
        while not plan.targets and (question := plan.next_question()) is not None:
            plan.answer(question, await self.ask(question))
        if plan.targets:
            return plan.targets
        return plan.result if isinstance(plan.result, DiscoveryFailed) else ()

    async def ask(self, question: Question) -> Answer:
        """Ask one question; every failure of the DNS is an `Answer` too."""
        import dns.exception
        import dns.resolver

        try:
            answer = await self._get().resolve(
                question.name.rstrip(".") + ".",
                question.type,
                raise_on_no_answer=False,
                lifetime=LIFETIME,
                source=self._source,
            )
        except dns.resolver.NXDOMAIN:
            return Answer("nxdomain")
        except dns.resolver.NoNameservers as error:
            return Answer("refused" if "REFUSED" in str(error) else "servfail")
        except dns.exception.Timeout:
            return Answer("timeout")
        except dns.exception.DNSException:
            return Answer("servfail")
        if answer.rrset is None:
            return Answer("nodata")
        return Answer("noerror", _records(answer.rrset, question.type))

    def _get(self) -> dns.asyncresolver.Resolver:
        if self._resolver is None:
            import dns.asyncresolver

            self._resolver = dns.asyncresolver.Resolver(configure=self._server is None)
            if self._server is not None:
                self._resolver.nameservers = [self._server[0]]
                self._resolver.port = self._server[1]
        return self._resolver


def _records(rrset: dns.rrset.RRset, kind: str) -> tuple[str | SrvRecord, ...]:
    if kind == "SRV":
        return tuple(SrvRecord(item.priority, item.weight, item.port, item.target.to_text()) for item in rrset)
    return tuple(item.address for item in rrset)
