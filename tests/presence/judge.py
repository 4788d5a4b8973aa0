"""The schemas of the presence formats, as a judge of what we write."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from lxml import etree

from simulator.presence import batch, categories, msrtc, pidf, rlmi, xpidf

SCHEMAS = {
    pidf.CONTENT_TYPE: "pidf.rng",
    categories.CONTENT_TYPE: "categories.rng",
    msrtc.CONTENT_TYPE: "msrtc.rng",
    xpidf.CONTENT_TYPE: "xpidf.rng",
    rlmi.CONTENT_TYPE: "rlmi.rng",
    batch.CONTENT_TYPE: "batch.rng",
}


def mistakes(content_type: str, body: bytes) -> str:
    """What the schema of a media type says against a document; nothing where it is valid."""
    schema = _schema(SCHEMAS[content_type])
    schema.validate(etree.fromstring(body))
    return str(schema.error_log)


@cache
def _schema(name: str) -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(Path(__file__).parent / "schemas" / name))
