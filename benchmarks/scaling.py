"""Measure: what clipping and forgetting in the running scaling do to the error.

::

    python benchmarks/scaling.py                          # everything, some three minutes
    python benchmarks/scaling.py --only water --seeds 1
    python benchmarks/scaling.py --json results.json      # keep the figures

Every model predicts each sample, then learns from it. The error is |y - y_pred|, or 1 for a wrong
label; its mean over the good targets is held against that of the same loss and seed with neither
clip nor memory, on the stream as it is. The same is done with half a percent of all values 100
standard deviations off. With ``STREAMRNN_DATA`` five further streams take part.
"""

from __future__ import annotations

import math
from concurrent.futures import Executor
from itertools import product
from statistics import median
from typing import Any

import numpy as np
from peers.plain import LABELS, NUMBERS
from report import complete, over_streams
from scaling_streams import Stream, peaks, streams, with_bad_readings

from streamrnn import RNNClassifier, RNNRegressor
from streamrnn.scaling import MEAN, keep_and_scale_target

SMALL = {"hidden_size": 16, "truncation": 16}
OPTIONS = {"seeds": 3, "samples": 16_000}
CLIPS: list[float | None] = [None, 10.0, 5.0, 3.0]
MEMORIES: list[int | None] = [None, 10_000, 2000, 500]
LOSSES = ("squared", "huber")
#: Figures of a run: mean and root mean square error, and the mean one where readings are bad.
FIGURES = ("error", "rms", "bad")
#: Of a hundred samples, how many are peaks; and changes of a level, in standard deviations.
PERCENTS, CHANGES = (5.0, 2.0, 1.0), (10.0, 100.0)
#: Samples before and after a change.
BEFORE, AFTER = 2000, 4000


def name_of(clip: float | None, memory: int | None) -> str:
    """Return what a choice is called in the results."""
    words = [f"clip {clip:g}"] if clip else []
    words += [f"memory {memory}"] if memory else []
    return ", ".join(words) or "neither"


CHOICES = {name_of(*choice): choice for choice in product(CLIPS, MEMORIES)}


def errors(
    stream: Stream, loss: str, seed: int, X: np.ndarray, y: np.ndarray, **scaling: Any
) -> np.ndarray:
    """Return how wrong each prediction is, (T,); NaN where there is no target."""
    words = {**SMALL, "seed": seed, "lagged_target": True, **scaling}
    if stream.is_classification:
        return (RNNClassifier(**LABELS | words).replay(X, y) != y).astype(float)
    return np.abs(RNNRegressor(**NUMBERS | words | {"loss": loss}).replay(X, y) - y)


def compare(name: str, seed: int, n: int) -> dict[str, dict[str, dict[str, float]]]:
    """Return by loss and choice the figures of one stream."""
    stream = streams()[name]
    X, y = stream.make(seed, n)
    bad_X, bad_y, good = with_bad_readings(X, y, seed)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for loss in LOSSES[:1] if stream.is_classification else LOSSES:
        found[loss] = {}
        for what, (clip, memory) in CHOICES.items():
            scaling = {"scale_clip": clip, "scale_memory": memory}
            clean = errors(stream, loss, seed, X, y, **scaling)
            bad = errors(stream, loss, seed, bad_X, bad_y, **scaling)[good]
            figures = (np.nanmean(clean), math.sqrt(np.nanmean(clean**2)), np.nanmean(bad))
            found[loss][what] = dict(zip(FIGURES, map(float, figures), strict=True))
    return found


def rare(seed: int, n: int) -> dict[str, dict[str, float]]:
    """Return by share of peaks and choice the root mean square error in the last half."""
    found: dict[str, dict[str, float]] = {}
    for percent in PERCENTS:
        X, y = peaks(seed, n, percent)
        found[f"{percent:g} %"] = of = {}
        for what, (clip, memory) in CHOICES.items():
            words = {"scale_clip": clip, "scale_memory": memory, "lr": 0.01, "seed": seed}
            wrong = (RNNRegressor(**NUMBERS | SMALL | words).replay(X, y) - y)[n // 2 :]
            of[what] = float(np.sqrt((wrong**2).mean()))
    return found


def followed_after(
    change: float, clip: float | None, memory: int | None, seed: int
) -> float | None:
    """Return after how many samples the mean has followed for good, None if it has not."""
    values = np.random.default_rng(seed).normal(size=BEFORE + AFTER)
    values[BEFORE:] += change
    moments, words = np.zeros((3, 1)), [math.inf if v is None else float(v) for v in (clip, memory)]
    far = -1
    for t, value in enumerate(values.tolist()):
        keep_and_scale_target(value, moments, 0, *words)
        if abs(moments[MEAN, 0] - change) > change / 10:
            far = t
    return far + 1 - BEFORE if far + 1 < BEFORE + AFTER else None


def following(seed: int) -> dict[str, dict[str, float | None]]:
    """Return by change of the level and choice after how many samples it was followed."""
    return {
        f"{change:g}": {what: followed_after(change, *of, seed) for what, of in CHOICES.items()}
        for change in CHANGES
    }


def run(options: dict[str, Any], only: list[str], pool: Executor) -> dict[str, Any]:
    """Measure everything; return the whole report."""
    every = streams()
    names = [name for name in every if not only or name in only]
    if not names:
        raise ValueError(f"no stream is called {' or '.join(only)}; there are {', '.join(every)}")
    seeds, n = range(options["seeds"]), options["samples"]
    jobs = {name: [pool.submit(compare, name, seed, n) for seed in seeds] for name in names}
    priced = [pool.submit(rare, seed, n) for seed in seeds]
    levels = [pool.submit(following, seed) for seed in seeds]
    by_stream = {name: _medians([job.result() for job in of]) for name, of in jobs.items()}
    return complete(
        options,
        streams=by_stream,
        choices=_over_streams(by_stream),
        peaks=_each([job.result() for job in priced]),
        following=_each([job.result() for job in levels]),
    )


def _each(found: list[dict[str, dict[str, Any]]]) -> dict[str, dict[str, float | None]]:
    """Return medians over the seeds of tables; None where a seed has none."""
    answer: dict[str, dict[str, float | None]] = {}
    for case, choices in found[0].items():
        answer[case] = {}
        for what in choices:
            values = [one[case][what] for one in found]
            answer[case][what] = None if None in values else round(median(values), 4)
    return answer


def _medians(found: list[dict[str, dict[str, dict[str, float]]]]) -> dict[str, Any]:
    """Return the median error without either, and of each choice median changes, percent."""
    answer: dict[str, Any] = {}
    for loss, choices in found[0].items():
        none = [seed[loss]["neither"] for seed in found]
        answer[loss] = {"error": round(median(one["error"] for one in none), 5)}
        for what in choices:
            answer[loss][what] = {}
            for figure in FIGURES:
                beside = "error" if figure == "bad" else figure  # bad readings, beside none
                of = zip((seed[loss][what][figure] for seed in found), none, strict=True)
                change = median(value / one[beside] - 1 for value, one in of)
                answer[loss][what][figure] = round(100 * change, 2)
    return answer


def _over_streams(by_stream: dict[str, Any]) -> dict[str, dict[str, dict[str, list[float]]]]:
    """Return least, greatest and mean change over the streams, by loss, choice and figure."""
    answer: dict[str, dict[str, dict[str, list[float]]]] = {}
    for loss in LOSSES:
        of = [found[loss] for found in by_stream.values() if loss in found]
        answer[loss] = {what: {} for what in CHOICES} if of else {}
        for what, figure in product(answer[loss], FIGURES):
            changes = [found[what][figure] for found in of]
            mean = round(sum(changes) / len(changes), 2)
            answer[loss][what][figure] = [min(changes), max(changes), mean]
    return answer


def table(report: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = []
    for loss, figure in product(LOSSES, FIGURES):
        names = [name for name, found in report["streams"].items() if loss in found]
        if not names:
            continue
        lines.append(f"\n{loss + ', ' + figure + ', change in %':<28}")
        lines[-1] += "".join(f"{name:>13}" for name in names) + f"{'mean':>13}"
        for what in CHOICES:
            changes = [report["streams"][name][loss][what][figure] for name in names]
            changes.append(report["choices"][loss][what][figure][2])
            lines.append(f"{what:<28}" + "".join(f"{change:>+13.1f}" for change in changes))
    for title, key in (("peaks, rms", "peaks"), ("samples to follow", "following")):
        lines.append(f"\n{title:<28}" + "".join(f"{case:>13}" for case in report[key]))
        for what in CHOICES:
            values = [str(of[what]) for of in report[key].values()]
            lines.append(f"{what:<28}" + "".join(f"{value:>13}" for value in values))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print tables, and write everything as JSON if asked to."""
    over_streams(__doc__, OPTIONS, run, table, arguments)


if __name__ == "__main__":
    main()
