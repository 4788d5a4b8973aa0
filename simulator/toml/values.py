"""Values of a settings file: each function takes what TOML gave, or raises ValueError with the sentence to show."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Annotated, cast

from pydantic import PlainValidator, ValidationInfo

from simulator.names import Fqdn, Host, SipDomain, parse_host

IpAddress = IPv4Address | IPv6Address


def shown(value: object) -> str:
    """A value as it stands in the file, for a sentence."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return repr(text[:80])[1:-1] + "…" * (len(text) > 80)


def text(value: object) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no text; write it in quotation marks.")
    return value


def flag(value: object) -> bool:
    """A switch."""
    if not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is no switch; write true or false, without quotation marks.")
    return value


def port_from(value: object, lowest: int) -> int:
    """A port not below `lowest`."""
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= 65535:
        raise ValueError(f"{shown(value)} is no port; write a number from {lowest} to 65535.")
    return value


def port(value: object) -> int:
    """A port that can be connected to."""
    return port_from(value, 1)


def port_or_any(value: object) -> int:
    """A port to listen on; 0 takes any free one."""
    return port_from(value, 0)


def domain(value: object) -> SipDomain:
    """A SIP domain."""
    return SipDomain.parse(text(value))


def fqdn(value: object) -> Fqdn:
    """The full name of a host."""
    return Fqdn.parse(text(value))


def host(value: object) -> Host:
    """The full name of a host, or an IP address (R33)."""
    return parse_host(text(value))


def address(value: object) -> IpAddress:
    """An IP address."""
    written = text(value)
    try:
        return ip_address(written)
    except ValueError:
        raise ValueError(f"{shown(value)} is no IP address, such as 192.168.1.100 or ::1.") from None


def address_and_port(value: object, default_port: int, what: str) -> tuple[IpAddress, int]:
    """`address`, `address:port` or `[address]:port`; `what` names it in the sentence, such as `name server`."""
    written = text(value)
    try:
        return ip_address(written), default_port
    except ValueError:
        pass
    before, _, number = written.rpartition(":")
    try:
        if not re.fullmatch(r"[0-9]{1,5}", number):
            raise ValueError(number)
        bare = before[1:-1] if before.startswith("[") and before.endswith("]") else before
        if (":" in bare) != (bare != before):
            raise ValueError(before)
        return ip_address(bare), port(int(number))
    except ValueError:
        raise ValueError(
            f"{shown(value)} is no {what}; write address or address:port, such as 127.0.0.1:{default_port} "
            f"or [::1]:{default_port}."
        ) from None


def existing_file(value: object, info: ValidationInfo) -> Path:
    """A file that is there, relative to the folder that is the context of the validation."""
    folder = cast("Path", info.context)
    path = folder / text(value)
    if not path.is_file():
        raise ValueError(f"There is no file {path}.")
    return path


Text = Annotated[str, PlainValidator(text)]
Flag = Annotated[bool, PlainValidator(flag)]
Port = Annotated[int, PlainValidator(port)]
PortOrAny = Annotated[int, PlainValidator(port_or_any)]
Address = Annotated[IpAddress, PlainValidator(address)]
Domain = Annotated[SipDomain, PlainValidator(domain)]
HostName = Annotated[Fqdn, PlainValidator(fqdn)]
HostOrAddress = Annotated[Host, PlainValidator(host)]
ExistingFile = Annotated[Path, PlainValidator(existing_file)]
