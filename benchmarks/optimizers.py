"""Measure: what optimizers, clipping and regularisers do to the mean error, beside the defaults.

::

    python benchmarks/optimizers.py                          # everything, two minutes or less
    python benchmarks/optimizers.py --only henon --seeds 1
    python benchmarks/optimizers.py --json results.json      # keep the figures

Every model predicts each sample, then learns from it. The error is |y - y_pred|, or 1 for a wrong
label; its mean over the stream is compared with that of a model of the same seed whose arguments
are the defaults, and the median over the seeds counts. With ``STREAMRNN_DATA`` windows of ETTh1 and
Elec2 take part.
"""

from __future__ import annotations

from concurrent.futures import Executor
from statistics import mean, median
from typing import Any

import numpy as np
from optimizer_streams import streams
from peers.plain import LABELS, NUMBERS
from report import complete, over_streams

from streamrnn import RNNClassifier, RNNRegressor, optimizers

OPTIONS = {"seeds": 3, "samples": 10000}
SMALL = {"hidden_size": 16, "truncation": 16}

DEFAULT = "default"
CHOICES: dict[str, dict[str, Any]] = {
    DEFAULT: {},
    "Adam, lr 0.005": {"lr": 0.005},
    "ObGD, kappa 2": {"optimizer": "obgd"},
    "ObGD, kappa 1": {"optimizer": optimizers.ObGD(kappa=1.0)},
    "ObGD, kappa 0.5": {"optimizer": optimizers.ObGD(kappa=0.5)},
    "ObGD, kappa 0.2": {"optimizer": optimizers.ObGD(kappa=0.2)},
    "Intentional, 0.05": {"optimizer": "intentional", "lr": 0.05},
    "Intentional, 0.1": {"optimizer": "intentional", "lr": 0.1},
    "Intentional, 0.2": {"optimizer": "intentional", "lr": 0.2},
    "Intentional, 0.3": {"optimizer": "intentional", "lr": 0.3},
    "Intentional, 0.5": {"optimizer": "intentional", "lr": 0.5},
    "Intentional, 1": {"optimizer": "intentional", "lr": 1.0},
    "no clipping": {"clip_norm": None},
    "clip_norm auto": {"clip_norm": "auto"},
    "clip_units 0.01": {"clip_units": 0.01},
    "clip_units 0.1": {"clip_units": 0.1},
    "l2_init 0.0001": {"l2_init": 1e-4},
    "l2_init 0.001": {"l2_init": 1e-3},
    "l2_init 0.01": {"l2_init": 1e-2},
    "shrink 0.00001": {"shrink": 1e-5},
    "shrink 0.0001": {"shrink": 1e-4},
    "perturb 0.0001": {"perturb": 1e-4},
    "perturb 0.001": {"perturb": 1e-3},
    "shrink 0.0001, perturb 0.001": {"shrink": 1e-4, "perturb": 1e-3},
}


def compare(name: str, seed: int, n: int) -> dict[str, float]:
    """Return the mean error on a stream by choice."""
    stream = streams()[name]
    X, y = stream.make(seed, n)
    kind, plain = RNNRegressor, NUMBERS
    if stream.is_classification:
        kind, plain = RNNClassifier, LABELS
    found = {}
    for what, words in CHOICES.items():
        arguments = {**SMALL, **plain, **dict(stream.words), **words}
        y_pred = kind(**arguments, seed=seed).replay(X, y)
        wrong = y != y_pred if stream.is_classification else np.abs(y - y_pred)
        found[what] = float(np.mean(wrong))
    return found


def run(options: dict[str, Any], only: list[str], pool: Executor) -> dict[str, Any]:
    """Measure everything; return the whole report."""
    every = streams()
    names = [name for name in every if not only or name in only]
    if not names:
        raise ValueError(f"no stream is called {' or '.join(only)}; there are {', '.join(every)}")
    seeds, n = range(options["seeds"]), options["samples"]
    jobs = {name: [pool.submit(compare, name, s, n) for s in seeds] for name in names}
    found = {name: _medians([job.result() for job in some]) for name, some in jobs.items()}
    return complete(options, streams=found, mean_change_percent=_over_streams(found))


def _medians(found: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return medians over the seeds: the error, and how far it is from that of the defaults."""
    return {
        what: {
            "error": round(median(one[what] for one in found), 5),
            "change_percent": round(
                100 * (median(one[what] / one[DEFAULT] for one in found) - 1), 2
            ),
        }
        for what in found[0]
    }


def _over_streams(found: dict[str, dict[str, dict[str, float]]]) -> dict[str, float]:
    """Return the mean change over the streams, by choice, percent."""
    return {
        what: round(mean(one[what]["change_percent"] for one in found.values()), 2)
        for what in CHOICES
    }


def table(report: dict[str, Any]) -> str:
    """Return the figures as text."""
    found = report["streams"]
    lines = [f"{'mean error, % of the default':<32}" + "".join(f"{name:>14}" for name in found)]
    lines[0] += f"{'mean':>8}"
    for what, over in report["mean_change_percent"].items():
        changes = [one[what]["change_percent"] for one in found.values()]
        lines.append(f"{what:<32}" + "".join(f"{change:>+14.1f}" for change in changes))
        lines[-1] += f"{over:>+8.1f}"
    errors = [f"{one[DEFAULT]['error']:>14.4f}" for one in found.values()]
    return "\n".join([*lines, f"{'error of the default':<32}" + "".join(errors)])


def main(arguments: list[str] | None = None) -> None:
    """Measure, print tables, and write everything as JSON if asked to."""
    over_streams(__doc__, OPTIONS, run, table, arguments)


if __name__ == "__main__":
    main()
