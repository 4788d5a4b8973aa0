"""What the answer to the OPTIONS of `Test-CsFederatedPartner` proves (F6.2; dialect facts §1.3)."""

from __future__ import annotations

from simulator.doctor.steps import Result, Step
from simulator.names import SipDomain
from simulator.sip.message import Response

NOBODY = SipDomain.parse("sipfed.invalid")
"Where requests come from when nothing says who we are (RFC 6761)."


def judge(response: Response, domain: SipDomain, sender: SipDomain) -> Step:
    """Any final answer but 504 proves the link (dialect facts §1.3); a 403 says that policy stands in the way."""
    status = response.status
    told = [
        f"{name}: {value}"
        for name in ("ms-diagnostics", "ms-diagnostics-public", "Reason", "Warning", "Server", "User-Agent")
        for value in response.headers.get_all(name)
    ]
    data: dict[str, object] = {"status": status, "reason": response.reason, "headers": told}
    answer = f"The answer to OPTIONS is {status} {response.reason}".rstrip()
    if status == 504:
        return Step(
            "sip",
            Result.FAILED,
            (
                f"{answer}, which is what an edge says that cannot verify the sender or reach its own servers; "
                "it gives no reason to strangers.",
                *told,
            ),
            "Name our domain by --from, so that it can be verified."
            if sender == NOBODY
            else f"Check {sender} as the partner sees it (sipfed doctor {sender} --our-side): its SRV record, the name "
            f"rule, and that our certificate holds the SRV target. If all is well, the fault is inside {domain}.",
            data=data,
        )
    if status == 403:
        return Step(
            "sip",
            Result.WARNING,
            (f"{answer}: the link works, but {domain} does not want to federate with {sender}.", *told),
            f"Have {domain} allow {sender} (external access, allowed and blocked domains).",
            data=data,
        )
    return Step("sip", Result.OK, (f"{answer}: the link works, as any final answer but 504 shows.", *told), data=data)
