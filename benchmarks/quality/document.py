"""Write the tables of ``docs/quality.md`` from the results file, so that they cannot be stale.

``python -m quality.document`` rewrites what stands between each task's two markers; with
``--check`` it changes nothing, and the exit status is 1 if there is a difference.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quality import tables
from quality.streams import TASKS

ROOT = Path(__file__).parents[2]
DOCUMENT, RESULTS = ROOT / "docs" / "quality.md", ROOT / "benchmarks" / "results" / "quality.json"
END = "<!-- end -->"


def begin(task: str) -> str:
    """Return the marker before a task's table."""
    return f"<!-- {task}: begin; written by benchmarks/quality/document.py -->"


def rewritten(text: str, report: dict[str, Any]) -> str:
    """Return the document with its tables as the results give them.

    Raises
    ------
    ValueError
        If a marker is missing.
    """
    for task in TASKS:
        head, marker, rest = text.partition(begin(task))
        _, end, tail = rest.partition(END)
        if not marker or not end:
            raise ValueError(f"the document lacks {begin(task)!r} or the {END!r} after it")
        text = f"{head}{marker}\n\n{tables.markdown(report, task)}\n\n{END}{tail}"
    return text


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite or check the document; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, say whether it is so")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    chosen = parser.parse_args(arguments)
    old = chosen.document.read_text()
    new = rewritten(old, json.loads(chosen.results.read_text()))
    if not chosen.check:
        chosen.document.write_text(new)
    elif new != old:
        print(f"{chosen.document.name} is stale: run python -m quality.document")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
