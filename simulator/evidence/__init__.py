"""What happened, on one time axis: the recorder that everything writes to, and the views of it."""

from __future__ import annotations

from simulator.evidence.ladder import render
from simulator.evidence.recorder import Layer, Record, Recorder

__all__ = ["Layer", "Record", "Recorder", "render"]
