"""deep-river, a River companion on PyTorch, in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from typing import Any

from processes import FOLDER, PeerError, peer_pythons

from quality.catalogue import SERIES
from quality.rows import Row
from quality.streams import Stream

SCRIPT = FOLDER / "deep_river_lstm.py"
FIELDS = ["name", "task", "kind", "xs", "ys", "about", "first", "horizon", "late", "season"]


def python() -> str | None:
    """Return the interpreter that has it: ``STREAMRNN_PEER_DEEP_RIVER``."""
    return peer_pythons([]).get("deep-river")


@cache
def version() -> str:
    """Return which version the interpreter has."""
    said = "from importlib.metadata import version; print(version('deep-river'))"
    done = subprocess.run([python() or "", "-c", said], capture_output=True, text=True, check=True)
    return f"deep-river {done.stdout.strip()}"


def run(stream: Stream, seed: int) -> tuple[list[Any], float]:
    """Let it predict and learn a stream in its own process.

    Raises
    ------
    PeerError
        If the process fails, with the last line of what it said.
    """
    interpreter = python()
    assert interpreter is not None
    told = {name: getattr(stream, name) for name in FIELDS}
    done = subprocess.run(
        [interpreter, str(SCRIPT)],
        input=json.dumps({"stream": told, "seed": seed}),
        env=os.environ | {"PYTHONPATH": str(FOLDER.parent)},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise PeerError(f"deep-river on {stream.name}: {done.stderr.strip().splitlines()[-1]}")
    answer = json.loads(done.stdout)
    return answer["predictions"], answer["seconds"]


NEXT = tuple(f"{name}, 1 ahead" for name in SERIES)
_ROW = Row(run, "deep-river", "peer", slow=True)
ROWS = {
    "rows": {"deep-river LSTM, one a column": _ROW},
    "series": {"deep-river LSTM": _ROW},
    "taxi": {"deep-river LSTM": _ROW},
    "chaotic": {"deep-river LSTM": _ROW._replace(streams=NEXT)},
    "regression": {"deep-river LSTM": _ROW},
    "classification": {"deep-river LSTM": _ROW},
}
