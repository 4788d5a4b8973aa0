"""Loads the plugin for the project's own tests, whether or not the package is installed."""

from __future__ import annotations

pytest_plugins = ["simulator.pytest_plugin", "pytester"]
