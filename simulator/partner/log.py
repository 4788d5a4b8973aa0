"""The log of an edge, in the words that its administrator reads (F1.14, F1.22–F1.31, F6.7; dialect facts §5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from simulator.evidence.recorder import Recorder
from simulator.io.mailbox import Mailbox

Level = Literal["information", "warning", "error"]
Code = tuple[str, str]

NO_SRV_MATCH: Final[Code] = ("0xC3E93D6F", "SIPPROXY_E_EPROUTING_MSG_ALLOWED_DOMAIN_NO_SRV_MATCH")
CERT_MISMATCH: Final[Code] = ("0xC3E93D67", "SIPPROXY_E_ROUTING_MSG_CERT_MISMATCH")
WRONG_PRINCIPAL: Final[Code] = ("0x80090322", "SEC_E_WRONG_PRINCIPAL")
UNTRUSTED_ROOT: Final[Code] = ("0x80090325", "SEC_E_UNTRUSTED_ROOT")
CERT_EXPIRED: Final[Code] = ("0x80090328", "SEC_E_CERT_EXPIRED")
NO_CODE: Final[Code] = ("", "")


@dataclass(frozen=True, slots=True)
class EdgeLogEntry:
    """One thing that an edge noted; it never leaves the partner."""

    at: float
    "Seconds on the federation's clock."
    level: Level
    "`error` for what failed, `warning` for what is odd, `information` for the rest."
    code: str
    "The result code, such as `0xC3E93D6F`; empty where no source names one."
    name: str
    "Its name, such as `SIPPROXY_E_ROUTING_MSG_CERT_MISMATCH`; empty likewise."
    diagnostic: str
    "The value of `ms-diagnostics` inside, with id, reason, parameters and source; empty where there is none."
    sentence: str
    "What happened, in a sentence."
    call_id: str = ""
    "Call-ID of the request it is about."
    start_line: str = ""
    "First line of that request or response."
    peer: str = ""
    "Who is at the other end: the names of its certificate, else its address."
    status: int | None = None
    "The status that the partner was told; None where it was told nothing."

    @property
    def text(self) -> str:
        """As a trace of the SIP stack shows it, several lines."""
        lines = [
            ("Severity", self.level),
            ("Text", self.sentence),
            ("Result-Code", f"{self.code} {self.name}".strip()),
            ("SIP-Start-Line", self.start_line),
            ("SIP-Call-ID", self.call_id),
            ("Peer", self.peer),
            ("Data", f"ms-diagnostics: {self.diagnostic}" if self.diagnostic else ""),
        ]
        return "\n".join(["$$begin_record", *(f"{name}: {value}" for name, value in lines if value), "$$end_record"])

    def __str__(self) -> str:
        """One line."""
        told = f"The partner is told {self.status}." if self.status is not None else ""
        diagnostic = f"[{self.diagnostic}]" if self.diagnostic else ""
        sentence = f"{self.sentence.rstrip('.')}." if told and self.sentence else self.sentence
        return " ".join(part for part in (self.code, self.name, sentence, told, diagnostic) if part)


class EdgeLog(Mailbox[EdgeLogEntry]):
    """The entries of one edge; each also stands in the evidence."""

    def __init__(self, recorder: Recorder, who: str) -> None:
        super().__init__()
        self._recorder = recorder
        self._who = who

    def put(self, item: EdgeLogEntry) -> None:
        super().put(item)
        data = {"code": item.code, "name": item.name, "diagnostic": item.diagnostic, "call_id": item.call_id}
        self._recorder.log(
            self._who, str(item), level=item.level, **{key: value for key, value in data.items() if value}
        )
