"""How long a user waits at first: the very first call, which compiles, and a later process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from statistics import median

from peers.plain import NUMBERS

STARTUP_ID = "startup"

#: Prints seconds of import, and of predicting and learning once, with the plain network.
SCRIPT = f"""
import time
started = time.perf_counter()
from streamrnn import RNNRegressor
imported = time.perf_counter()
model, x = RNNRegressor(**{NUMBERS}), {{f"x{{i}}": float(i) for i in range(8)}}
model.predict_one(x)
predicted = time.perf_counter()
model.learn_one(x, 1.0)
print(imported - started, predicted - imported, time.perf_counter() - imported)
"""


def _process(cache: str) -> tuple[float, float, float]:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | {"NUMBA_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    imported, predicted, learnt = map(float, run.stdout.split())
    return imported, predicted, learnt


def measure(repeats: int) -> dict[str, float]:
    """Return medians in seconds.

    ``first_call``: predict and learn once with nothing compiled yet, without the import;
    ``warm_process``: from the import to the first prediction with the code in the cache.
    """
    firsts, warms = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            firsts.append(_process(cache)[2])
            warm = [_process(cache) for _ in range(3)]
            warms.append(median(imported + predicted for imported, predicted, _ in warm))
    return {"first_call": round(median(firsts), 2), "warm_process": round(median(warms), 2)}
