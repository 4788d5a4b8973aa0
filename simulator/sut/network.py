"""What the network settings mean: where partners listen, where the DNS does, and which CA signs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from cryptography import x509

from fakes.ca import Authority
from fakes.errors import FakeError
from simulator.errors import ConfigurationError, Problem
from simulator.io.addresses import Addresses, LoopbackAddresses, OneEach, PortRange, is_ours
from simulator.sut.settings import Network, SutSettings


def addresses_of(network: Network) -> Addresses:
    """Where partners listen.

    Raises ConfigurationError where this machine lacks an address.
    """
    if network.bind is None:
        return LoopbackAddresses()
    addresses = [str(address) for address in network.bind.addresses]
    foreign = [address for address in addresses if not is_ours(address)]
    if foreign:
        which = foreign[0] if len(foreign) == 1 else f"{foreign[0]} and {len(foreign) - 1} more of {network.bind}"
        message = f"This machine has no address {which}; give it, or name addresses that it has."
        raise ConfigurationError([Problem("network.bind", message)])
    return OneEach(addresses) if len(addresses) > 1 else PortRange(addresses[0], *network.ports)


def authority_of(
    settings: SutSettings, more: Sequence[str] = (), *, clock: Callable[[], datetime] | None = None
) -> Authority:
    """The CA of the run: the one that was kept, or a new one. It may speak for the names and addresses of the run, and
    for `more`.

    Raises ConfigurationError where a kept one cannot be used.
    """
    names = [str(settings.domain), str(settings.server_fqdn), *more]
    if settings.network.bind is not None:
        names += settings.network.bind.parts
    with as_mistake("network.ca"):
        return Authority(names, keep=settings.network.ca, clock=clock)


def other_roots(settings: SutSettings) -> list[x509.Certificate]:
    """Whom partners trust beside the CA of the run; ConfigurationError where the file holds no certificates."""
    path = settings.trusted_roots
    if path is None:
        return []
    try:
        return x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ConfigurationError([Problem(f"sut.trusted_roots: {path}", f"no PEM certificates: {error}")]) from error


@contextmanager
def as_mistake(place: str) -> Iterator[None]:
    """Turn a fake's complaint into one about the settings at `place`."""
    try:
        yield
    except FakeError as error:
        raise ConfigurationError([Problem(place, str(error))]) from error
