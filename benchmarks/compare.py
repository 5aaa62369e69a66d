"""Compare two results files, scenario by scenario: what has become slower, what has vanished.

::

    python benchmarks/compare.py old.json new.json
    python benchmarks/compare.py old.json new.json --tolerance 0.3 --only '*-stored'

The exit status is 1 if a scenario takes longer than before by more than the tolerance, or is no
longer there; 2 if the files cannot be compared. Times of different machines are compared all the
same, with a warning: then only large ratios, and ratios to a peer, mean anything.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scenarios import matches

SCHEMA = 1
TOLERANCE = 0.15


def read(path: Path) -> dict[str, Any]:
    """Read a results file.

    Raises
    ------
    ValueError
        If it is none, or one of another schema.
    """
    try:
        report = json.loads(path.read_text())
        schema, _ = report["schema"], report["scenarios"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no results file: {error!r}") from error
    if schema != SCHEMA:
        raise ValueError(f"{path} has schema {schema}, this program reads {SCHEMA}")
    return report


def unlike(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return in what the two runs differ that moves all times."""
    differences = []
    for name in ("cpu", "cores"):
        before, after = old["machine"].get(name), new["machine"].get(name)
        if before != after:
            differences.append(f"{name}: {before} then, {after} now")
    before, after = old.get("sgemm_gflops"), new.get("sgemm_gflops")
    if before and after and abs(after / before - 1) > TOLERANCE:
        differences.append(f"matrix product: {before} GFLOP/s then, {after} now")
    return differences


def compare(
    old: dict[str, Any], new: dict[str, Any], tolerance: float, patterns: Sequence[str] = ()
) -> tuple[list[tuple[str, float | None, float | None, str]], bool]:
    """Return the rows (id, time before, time now, verdict), and whether all is well."""
    rows, well = [], True
    before, after = old["scenarios"], new["scenarios"]
    for name in [*before, *(name for name in after if name not in before)]:
        if not matches(name, list(patterns)):
            continue
        then = before.get(name, {}).get("median_us")
        now = after.get(name, {}).get("median_us")
        if now is None:
            verdict = "vanished"
        elif then is None:
            verdict = "new"
        elif now > then * (1 + tolerance):
            verdict = "slower"
        elif now < then / (1 + tolerance):
            verdict = "faster"
        else:
            verdict = ""
        well &= verdict not in ("vanished", "slower")
        rows.append((name, then, now, verdict))
    return rows, well


def table(rows: list[tuple[str, float | None, float | None, str]]) -> str:
    """Return the rows as text."""
    lines = [f"{'scenario':<36}{'old us':>11}{'new us':>11}{'new/old':>9}"]
    for name, then, now, verdict in rows:
        times = "".join(f"{'-' if us is None else f'{us:.2f}':>11}" for us in (then, now))
        ratio = f"{now / then:>9.2f}" if then and now else f"{'-':>9}"
        lines.append(f"{name:<36}{times}{ratio}  {verdict}".rstrip())
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two files; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument(
        "--tolerance", type=float, default=TOLERANCE, help="default: 0.15, that is 15 percent"
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="ids, with '*'; repeatable",
    )
    chosen = parser.parse_args(arguments)
    try:
        old, new = read(chosen.old), read(chosen.new)
    except ValueError as error:
        print(error)
        return 2
    for difference in unlike(old, new):
        print(f"warning: not the same machine or not the same load; {difference}")
    rows, well = compare(old, new, chosen.tolerance, chosen.only)
    print(table(rows))
    if not rows:
        print("there is nothing to compare")
        return 2
    return 0 if well else 1


if __name__ == "__main__":
    raise SystemExit(main())
