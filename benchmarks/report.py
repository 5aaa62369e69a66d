"""What every results file says besides its figures, and where real streams are found."""

from __future__ import annotations

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import streamrnn

SCHEMA = 1


def machine() -> dict[str, Any]:
    """Say what the figures were measured on."""
    cpu = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        cpu = next((line.split(":")[1].strip() for line in lines if "model name" in line), cpu)
    return {"cpu": cpu, "cores": os.cpu_count(), "os": platform.platform()}


def complete(options: dict[str, Any], **found: Any) -> dict[str, Any]:
    """Return a report: what was found, with which options, of what and on what."""
    versions = {"streamrnn": streamrnn.__version__, "river": version("river")}
    described = {"schema": SCHEMA, "options": options, "versions": versions, "machine": machine()}
    return {**described, **found}


def write(path: Path | None, report: dict[str, Any]) -> None:
    """Write the figures as JSON if a file was named."""
    if path is not None:
        path.write_text(json.dumps(report, indent=1) + "\n")


def data_folder() -> Path | None:
    """Return the folder of real streams, ``STREAMRNN_DATA``; None without one. See docs/data.md."""
    folder = os.environ.get("STREAMRNN_DATA")
    return Path(folder) if folder else None
