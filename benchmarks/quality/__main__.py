"""Measure how good predictions are, on every stream and with every model.

::

    make quality                                             # all of it: tables and charts, too
    export PYTHONPATH=benchmarks
    python -m quality --quick                                # one seed, no trees, no deep-river
    python -m quality --only 'Elec2*' --model 'RNN*'         # some streams, some rows
    python -m quality --json benchmarks/results/quality.json # rows replace those of the file

With ``STREAMRNN_DATA`` streams that do not come with River take part (docs/data.md), and with
``STREAMRNN_PEER_DEEP_RIVER`` deep-river does (benchmarks/README.md).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from report import complete, write

from quality import tables
from quality.catalogue import STREAMS
from quality.measure import Report, described, merged, planned, run

SEEDS = 5
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let processes that are started here use one thread each for products of NumPy's."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def measured(
    only: list[str], models: list[str], seeds: int, quick: bool, workers: int
) -> tuple[Report, dict[str, str]]:
    """Measure what is asked for; return the report, and why rows failed.

    Raises
    ------
    ValueError
        If nothing fits.
    """
    jobs, left_out = planned(only, models, seeds, quick)
    if not jobs and not left_out:
        streams = "\n".join(STREAMS)
        raise ValueError(f"no stream has a row that fits; there are the streams\n{streams}")
    with _one_thread(), ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        found, failed = run(jobs, pool)
    about = described(found)
    return complete({"seeds": seeds}, streams=found, described=about, left_out=left_out), failed


def main(arguments: list[str] | None = None) -> None:
    """Measure, print tables, and put the figures into a file if one is named."""
    parser = argparse.ArgumentParser(
        prog="python -m quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    several = {"action": "append", "default": [], "metavar": "PATTERN"}
    parser.add_argument("--only", help="streams, with '*'; repeatable", **several)
    parser.add_argument("--model", help="rows, with '*'; repeatable", **several)
    parser.add_argument("--seeds", type=int, help=f"default: {SEEDS}; 1 if quick")
    parser.add_argument("--quick", action="store_true", help="only what is fast, one seed")
    parser.add_argument("--workers", type=int, default=2, help="processes; default: 2")
    parser.add_argument("--json", type=Path, help="file to put the figures into")
    chosen = parser.parse_args(arguments)
    seeds = chosen.seeds or (1 if chosen.quick else SEEDS)
    old = None
    if chosen.json is not None and chosen.json.exists():
        old = json.loads(chosen.json.read_text())
    try:
        new, failed = measured(chosen.only, chosen.model, seeds, chosen.quick, chosen.workers)
    except ValueError as error:
        parser.exit(2, f"{error}\n")
    print(tables.text(new))
    write(chosen.json, merged(old, new))
    if failed:
        parser.exit(1, "".join(f"{row} failed: {why}\n" for row, why in failed.items()))


if __name__ == "__main__":
    main()
