"""Measure: what each action against drift does to the mean error, and what detectors find.

::

    python benchmarks/drift.py                          # everything, some two minutes
    python benchmarks/drift.py --only season --seeds 2
    python benchmarks/drift.py --json results.json      # keep the figures

Every model predicts each sample, then learns from it, and ADWIN watches. The error is |y - y_pred|,
or 1 for a wrong label; its mean over the stream is compared with that of the same model, seed and
stream with nothing done, and the median over the seeds counts. With ``STREAMRNN_DATA`` windows of
ETTh1 and Elec2 take part.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import Executor
from statistics import mean, median
from typing import Any, NamedTuple

import numpy as np
from drift_streams import SYNTHETIC, Stream, streams
from peers.plain import LABELS, NUMBERS
from report import complete, over_streams
from river import drift

from streamrnn import RNNClassifier, RNNRegressor
from streamrnn.estimators.drift import ACTIONS, DriftWatch, RaiseLearningRate
from streamrnn.estimators.errors import Distances, Mistakes

SMALL = {"hidden_size": 16, "truncation": 16}
OPTIONS = {"seeds": 5, "samples": 9000}


class EveryChange(DriftWatch):
    """Acts as errors fall, too."""

    def _on_change(self, estimator: Any) -> None:
        self._recent = self._before = 0.0
        super()._on_change(estimator)


def new_weights(weights: dict[str, np.ndarray]) -> Callable[[Any], None]:
    """Return an action that puts these in place of what was learnt, and resets all but scaling."""

    def action(estimator: Any) -> None:
        estimator.set_weights(weights)
        for name in ("reset_optimizer", "reset_state"):
            ACTIONS[name](estimator)

    return action


def nothing(estimator: Any) -> None:
    """Do nothing on a drift."""


def fresh(stream: Stream, seed: int, **arguments: Any) -> Any:
    """Return a new model for a stream."""
    if stream.is_classification:
        return RNNClassifier(**SMALL, **LABELS, seed=seed, **arguments)
    return RNNRegressor(**SMALL, **NUMBERS, seed=seed, **arguments)


def actions(stream: Stream, seed: int, X: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Return what is done on a drift, by name."""
    blank = fresh(stream, seed + 1000, optimizer="sgd", lr=1e-30)
    blank.replay(X[:50], y[:50])  # knows features and labels, and has learnt nothing
    return {
        "none": nothing,
        "raise_lr": "raise_lr",
        "raise 3, half-life 50": RaiseLearningRate(3, 50),
        "raise 10, half-life 50": RaiseLearningRate(10, 50),
        "raise 10, half-life 150": RaiseLearningRate(10, 150),
        "reset_optimizer": "reset_optimizer",
        "reset_state": "reset_state",
        "new weights": new_weights(blank.get_weights()),
        "raise_lr as errors fall, too": "raise_lr",
    }


def errors(stream: Stream, y: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
    """Return how wrong predictions were, (T,)."""
    return (y != y_pred).astype(float) if stream.is_classification else np.abs(y - y_pred)


def compare_actions(name: str, seed: int, n: int) -> dict[str, dict[str, float]]:
    """Return of each action the mean error, its ratio to that without, and what was found."""
    stream = streams()[name]
    X, y = stream.make(seed, n)
    found: dict[str, dict[str, float]] = {}
    for what, action in actions(stream, seed, X, y).items():
        model = fresh(stream, seed, drift_detector=drift.ADWIN(), drift_action=action)
        if "fall" in what:
            kind = Mistakes if stream.is_classification else Distances
            model._watch = EveryChange(drift.ADWIN(), action, kind())
        error = float(errors(stream, y, model.replay(X, y)).mean())
        counts = {key: model.counters[key] for key in ("drifts", "improvements")}
        without = found["none"]["error"] if found else error
        found[what] = {"error": error, "ratio": error / without, **counts}
    return found


# --- what reaches the detector


class OverRunningMean:
    """The error over its own running mean, 3 at most."""

    def __init__(self) -> None:
        self._n, self._mean = 0, 0.0

    def __call__(self, goal: Any, guess: Any) -> float:
        """Return how wrong a prediction is."""
        error = abs(float(goal) - float(guess))
        self._n += 1
        self._mean += (error - self._mean) / min(self._n, 1000)
        return min(error / self._mean, 3.0) if self._mean > 0 else math.nan


class InUnits:
    """The error as it is, in so many times the target's units."""

    def __init__(self, times: float) -> None:
        self._times = times

    def __call__(self, goal: Any, guess: Any) -> float:
        """Return how wrong a prediction is."""
        return self._times * abs(float(goal) - float(guess))


class _Counted(NamedTuple):
    """Stands for the estimator: the watch asks how many samples it has learnt from."""

    counters: dict[str, int]


def false_and_found(name: str, seed: int, n: int) -> dict[str, dict[str, int]]:
    """Return, by what a detector is shown of the errors, which drifts it finds on a stream.

    ``found`` of the two, by a change within 1000 samples; ``false``: further drifts;
    ``changes``: drifts and improvements.
    """
    stream = SYNTHETIC[name]
    X, y = stream.make(seed, n)
    y_pred = fresh(stream, seed).replay(X, y)
    shown = {
        "ADWIN, standard deviations": (drift.ADWIN(), Distances()),
        "ADWIN, over their running mean": (drift.ADWIN(), OverRunningMean()),
        "PageHinkley, standard deviations": (drift.PageHinkley(), Distances()),
        "PageHinkley, the target's units": (drift.PageHinkley(), InUnits(1.0)),
        "PageHinkley, targets times 1000": (drift.PageHinkley(), InUnits(1000.0)),
    }
    answer = {}
    for what, (detector, kind) in shown.items():
        watch, at = DriftWatch(detector, nothing, kind), []
        for t, (goal, guess) in enumerate(zip(y, y_pred, strict=True)):
            before = watch.drifts
            watch.saw(goal, guess, _Counted({"samples": t + 1}))
            if watch.drifts > before:
                at.append(t)
        after = [(t - n // 3) % (n // 3) if t >= n // 3 else n for t in at]
        close = {t // (n // 3) for t, late in zip(at, after, strict=True) if late < 1000}
        false = sum(late >= 1000 for late in after)
        changes = watch.drifts + watch.improvements
        answer[what] = {"found": len(close), "false": false, "changes": changes}
    return answer


# --- all of it


def run(options: dict[str, Any], only: list[str], pool: Executor) -> dict[str, Any]:
    """Measure everything; return the whole report."""
    every = streams()
    names = [name for name in every if not only or name in only]
    if not names:
        raise ValueError(f"no stream is called {' or '.join(only)}; there are {', '.join(every)}")
    seeds, n = range(options["seeds"]), options["samples"]
    watched = [
        name for name in names if name in SYNTHETIC and not SYNTHETIC[name].is_classification
    ]
    acted = {name: [pool.submit(compare_actions, name, s, n) for s in seeds] for name in names}
    seen = {name: [pool.submit(false_and_found, name, s, n) for s in seeds] for name in watched}
    by_stream = {k: _medians([job.result() for job in jobs]) for k, jobs in acted.items()}
    shown = {k: _totals([job.result() for job in jobs]) for k, jobs in seen.items()}
    shown["all"] = _totals(list(shown.values())) if shown else {}
    return complete(options, streams=by_stream, actions=_over_streams(by_stream), shown=shown)


def _medians(found: list[dict[str, dict[str, float]]]) -> dict[str, dict[str, Any]]:
    """Return medians over the seeds, by action; of what was found, the figures of all seeds."""
    return {
        what: {
            "error": round(median(one[what]["error"] for one in found), 5),
            "change_percent": round(100 * (median(one[what]["ratio"] for one in found) - 1), 2),
            **{key: [one[what][key] for one in found] for key in ("drifts", "improvements")},
        }
        for what in found[0]
    }


def _totals(found: list[dict[str, dict[str, int]]]) -> dict[str, dict[str, int]]:
    """Return sums over the seeds."""
    return {
        what: {key: sum(one[what][key] for one in found) for key in figures}
        for what, figures in found[0].items()
    }


def _over_streams(by_stream: dict[str, dict[str, dict[str, Any]]]) -> dict[str, dict[str, float]]:
    """Return best, worst and mean change of the error over the streams, by action, percent."""
    answer = {}
    for what in list(next(iter(by_stream.values())))[1:]:  # the first is what others are held to
        changes = [found[what]["change_percent"] for found in by_stream.values()]
        answer[what] = {
            "best": min(changes),
            "worst": max(changes),
            "mean": round(mean(changes), 2),
        }
    return answer


def table(report: dict[str, Any]) -> str:
    """Return the figures as text."""
    names = list(report["streams"])
    lines = [f"{'mean error, % of that without':<32}" + "".join(f"{name:>10}" for name in names)]
    lines[0] += f"{'mean':>8}"
    for what, over in report["actions"].items():
        changes = [report["streams"][name][what]["change_percent"] for name in names]
        lines.append(f"{what:<32}" + "".join(f"{c:>+10.1f}" for c in changes))
        lines[-1] += f"{over['mean']:>+8.1f}"
    lines.append("\ndrifts and improvements that ADWIN finds, nothing done:")
    for name in names:
        found = report["streams"][name]["none"]
        lines.append(f"{name:<12} drifts {found['drifts']} improvements {found['improvements']}")
    for name, shown in report["shown"].items():
        lines.append(f"\n{name}: all seeds together, two drifts each; by what a detector is shown")
        lines += [f"{what:<34} {figures}" for what, figures in shown.items()]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print tables, and write everything as JSON if asked to."""
    over_streams(__doc__, OPTIONS, run, table, arguments)


if __name__ == "__main__":
    main()
