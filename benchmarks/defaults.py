"""Measure: what each of the defaults is worth, by leaving it out, and what else there is.

::

    python benchmarks/defaults.py                       # everything, some three minutes
    python benchmarks/defaults.py --only Elec2 --seeds 1
    python benchmarks/defaults.py --json results.json   # keep the figures

On each stream of `STREAMS`, run as in `quality`, the estimator for it has its defaults but for one
choice. Figures are changes of the error that its table is ordered by, in percent, medians over the
seeds; the error of accuracy is what is missing to 1. Streams that need ``STREAMRNN_DATA`` are left
out where it is not set.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from statistics import median
from typing import Any

from quality.catalogue import is_there, stream
from quality.ours import contestant
from quality.protocol import prequential
from quality.scores import FIGURES, RISING, scored
from report import complete, over_streams

from streamrnn import RNNClassifier, RNNForecaster, RNNMultiTargetRegressor, RNNRegressor
from streamrnn.heads import RLS

OPTIONS = {"seeds": 3}

#: Streams, and what predicts them.
STREAMS: dict[str, Any] = {
    "ETTh1": RNNMultiTargetRegressor,
    "TrumpApproval": RNNRegressor,
    "ChickWeights": RNNRegressor,
    "AirlinePassengers": RNNForecaster,
    "TrumpApproval, series": RNNForecaster,
    "WaterFlow": RNNForecaster,
    "NYC taxi": RNNForecaster,
    "Hénon, 1 ahead": RNNForecaster,
    "sunspots, 5 ahead": RNNForecaster,
    "Elec2": RNNClassifier,
    "Phishing": RNNClassifier,
}
NUMBERS = (RNNRegressor, RNNMultiTargetRegressor, RNNForecaster)
SUPERVISED = (RNNRegressor, RNNMultiTargetRegressor, RNNClassifier)
EVERY = (*NUMBERS, RNNClassifier)

#: What is chosen in place of a default, and for which estimators.
CHOICES: dict[str, tuple[dict[str, Any], tuple[Any, ...]]] = {
    "head linear": ({"head": "linear"}, EVERY),
    "head linear_skip": ({"head": "linear_skip"}, NUMBERS),
    "head rls": ({"head": "rls"}, (RNNForecaster, RNNClassifier)),
    "rls, 48 lags, no decay": ({"head": RLS(48, 30.0, 0.0)}, SUPERVISED[:2]),
    "rls, 4 lags": ({"head": RLS(lags=4)}, NUMBERS),
    "rls, forgetting 0.99": ({"head": RLS(forgetting=0.99)}, SUPERVISED[:2]),
    "levels, not changes": ({"predict_change": False}, NUMBERS),
    "last target not fed back": ({"lagged_target": False}, SUPERVISED),
    "loss squared": ({"loss": "squared"}, NUMBERS),
    "scale_clip off": ({"scale_clip": None}, EVERY),
    "scale_clip 10": ({"scale_clip": 10.0}, (RNNForecaster,)),
    "scale_clip 4": ({"scale_clip": 4.0}, SUPERVISED),
    "scale_memory 500": ({"scale_memory": 500}, EVERY),
    "recomputed, m = K / 2": ({"activations": "recomputed", "loss_window": 16}, EVERY),
    "optimizer intentional": ({"optimizer": "intentional"}, EVERY),
    "clip_norm auto": ({"clip_norm": "auto"}, EVERY),
    "l2_init 0.001": ({"l2_init": 1e-3}, EVERY),
    "lr 0.001": ({"lr": 1e-3}, EVERY),
    "lr 0.005": ({"lr": 5e-3}, EVERY),
    "64 units": ({"hidden_size": 64}, EVERY),
    "cell gru": ({"cell": "gru"}, EVERY),
    "calendar of single waves": ({"calendar": ("day", "week", "year")}, (RNNForecaster,)),
}


def error(name: str, seed: int, words: dict[str, Any]) -> float:
    """Return what a stream's table is ordered by, as an error."""
    one = stream(name)
    predictions, _ = prequential(one, contestant(STREAMS[name](seed=seed, **words), one))
    figure = next(iter(FIGURES[one.kind]))
    found = scored(one, predictions)[figure]
    return 1.0 - found if figure in RISING else found


def measure(name: str, seed: int) -> dict[str, float]:
    """Return the errors on a stream: with the defaults, and by choice."""
    found = {"defaults": error(name, seed, {})}
    for what, (words, kinds) in CHOICES.items():
        if STREAMS[name] in kinds:
            found[what] = error(name, seed, words)
    return found


def run(options: dict[str, Any], only: list[str], pool: Executor) -> dict[str, Any]:
    """Measure everything; return the whole report."""
    names = [name for name in STREAMS if (not only or name in only) and is_there(name)]
    if not names:
        raise ValueError(f"no stream is called {' or '.join(only)}; there are {list(STREAMS)}")
    seeds = range(1, options["seeds"] + 1)
    jobs = {name: [pool.submit(measure, name, seed) for seed in seeds] for name in names}
    found = {name: [job.result() for job in several] for name, several in jobs.items()}
    streams = {name: _compared(several) for name, several in found.items()}
    return complete(options, streams=streams, means=_means(streams))


def _compared(several: list[dict[str, float]]) -> dict[str, float]:
    """Return the median error of the defaults, and the median changes from it, percent."""
    answer = {"defaults": median(one["defaults"] for one in several)}
    for what in several[0]:
        if what != "defaults":
            changes = [100 * (one[what] / one["defaults"] - 1) for one in several]
            answer[what] = round(median(changes), 1)
    return answer


def _means(streams: dict[str, dict[str, float]]) -> dict[str, float]:
    """Return the geometric mean change over the streams that a choice is for, percent."""
    answer = {}
    for what in CHOICES:
        changes = [found[what] for found in streams.values() if what in found]
        if changes:
            logs = [math.log1p(change / 100) for change in changes]
            answer[what] = round(100 * math.expm1(sum(logs) / len(logs)), 1)
    return answer


def table(report: dict[str, Any]) -> str:
    """Return the figures as text."""
    streams = report["streams"]
    lines = [f"{'':<26}" + "".join(f"{name[:11]:>12}" for name in [*streams, "mean"])]
    defaults = "".join(f"{found['defaults']:>12.4g}" for found in streams.values())
    lines.append(f"{'defaults':<26}{defaults}")
    for what, mean in report["means"].items():
        cells = [found.get(what) for found in streams.values()]
        figures = "".join(f"{'' if c is None else f'{c:+.1f}':>12}" for c in [*cells, mean])
        lines.append(f"{what:<26}{figures}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print tables, and write everything as JSON if asked to."""
    over_streams(__doc__, OPTIONS, run, table, arguments)


if __name__ == "__main__":
    main()
