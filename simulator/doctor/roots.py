"""The root certificates of the public web (F2.5: a public CA is a must towards Microsoft 365)."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

from cryptography import x509


@cache
def public_roots() -> tuple[x509.Certificate, ...]:
    """Mozilla's roots as certifi carries them: the same on every system, and close to Microsoft's programme."""
    import certifi

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a few old roots have serial numbers that no CA would write today
        return tuple(x509.load_pem_x509_certificates(Path(certifi.where()).read_bytes()))
