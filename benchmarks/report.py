"""What every results file says besides its figures, and where real streams are found."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
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


def over_streams(
    description: str | None,
    defaults: dict[str, int],
    run: Callable[..., dict[str, Any]],
    table: Callable[[dict[str, Any]], str],
    arguments: list[str] | None,
) -> None:
    """Measure over streams in two processes, print tables, and write all as JSON if asked to.

    Parameters
    ----------
    description
        The script's docstring.
    defaults
        Its numbers, each an option.
    run
        Takes the numbers, the streams that were asked for (all if none) and the processes; a
        ValueError is told and ends the script.
    table
        Makes a table of what `run` returned.
    arguments
        The command line, None for that of the process.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", default=[], metavar="STREAM", help="repeatable")
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default: {default}")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = vars(parser.parse_args(arguments))
    path, only = options.pop("json"), options.pop("only")
    try:
        with ProcessPoolExecutor(2, get_context("spawn")) as pool:
            report = run(options, only, pool)
    except ValueError as error:
        parser.exit(2, f"{error}\n")
    print(table(report))
    write(path, report)
