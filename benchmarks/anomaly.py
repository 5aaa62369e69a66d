"""Measure: how well anomalies are ranked, by our detector and by simpler ones.

::

    python benchmarks/anomaly.py                         # everything, about a minute
    python benchmarks/anomaly.py --only phase --samples 3000
    python benchmarks/anomaly.py --json results.json     # keep the figures

Every detector, with its defaults, scores each sample and then learns it. The first 200 scores do
not count. ROC-AUC and PR-AUC (average precision) are those of single samples; ``windows`` and
``windows_pr`` are both of the greatest score in a window of NAB against other stretches of that
length. ``early`` is over all streams of NAB, with one threshold: its own score, and what share of
the windows is found, and has gone by then. With ``STREAMRNN_DATA`` the streams of NAB take part.

Other scores made from the same errors, and values, are measured as well: see `OTHER_SCORES`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from statistics import mean
from typing import Any, NamedTuple

import anomaly_streams
import numpy as np
from anomaly_streams import Samples, nab_names, samples_of
from early import Stream, early_detection
from ranking import pr_auc, roc_auc, windows_auc, windows_pr_auc
from report import complete, over_streams
from river import anomaly, preprocessing

from streamrnn import RNNAnomalyDetector
from streamrnn.estimators.rarity import Rarity
from streamrnn.estimators.scores import Scores
from streamrnn.estimators.surprise import Surprise

OPTIONS = {"samples": 10_000, "nab": 100_000}
SKIPPED, MEMORY = 200, 1000


def by_network(samples: Samples) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of `RNNAnomalyDetector`, (T,), and the errors they are made of, (T, n).

    Errors are in the order of the first sample's features.
    """
    model = RNNAnomalyDetector()
    scores, errors = [], []
    for x, _ in samples:
        scores.append(model.score_one(x))
        model.learn_one(x)
        errors.append(model._values - model._model.answer)
    order = [model.feature_names.index(name) for name in samples[0][0]]
    return np.array(scores), _rows(errors)[:, order]


def by_trees(samples: Samples) -> np.ndarray:
    """Return the scores of River's half-space trees, (T,), which want values from 0 to 1."""
    model = preprocessing.MinMaxScaler() | anomaly.HalfSpaceTrees(seed=42)
    scores = []
    for x, _ in samples:
        scores.append(model.score_one(x))
        model.learn_one(x)
    return np.array(scores)


def by_last_value(X: np.ndarray) -> np.ndarray:
    """Return the score of our detector, (T,), had it predicted the last value."""
    return rarities(X, np.diff(X, axis=0, prepend=X[:1]))


def by_standard_score(X: np.ndarray) -> np.ndarray:
    """Return how many standard deviations the most unusual feature is off, (T,).

    Mean and variance are those of about the last 1000 samples.
    """
    scores, mean_, variance = np.zeros(len(X)), X[0], np.zeros(X.shape[1])
    for t, x in enumerate(X[1:], 1):
        off = x - mean_
        sizes = np.where(variance > 0, variance, np.inf)
        scores[t] = np.sqrt((off**2 / sizes).max())
        share = 1 / min(t + 1, MEMORY)
        mean_ = mean_ + share * off
        variance = variance + share * (off * (x - mean_) - variance)
    return scores


def surprises(errors: np.ndarray, memory: int = MEMORY) -> np.ndarray:
    """Return the scores that our detector makes of errors alone, (T,)."""
    return _by(Surprise(memory), errors, errors)


def rarities(values: np.ndarray, errors: np.ndarray, lasting: bool = True) -> np.ndarray:
    """Return the scores that our detector makes of values and errors, (T,)."""
    return _by(Rarity(MEMORY, lasting), values, errors)


def _by(usual: Scores, values: np.ndarray, errors: np.ndarray) -> np.ndarray:
    usual.grow(errors.shape[1])
    scores = np.zeros(len(errors))
    for t, (row, wrong) in enumerate(zip(values, errors, strict=True)):
        scores[t] = usual.score(row, wrong)
        usual.saw(None, row, wrong)
    return scores


def _rows(errors: list[np.ndarray]) -> np.ndarray:
    """Line up rows that have grown longer; what was not there yet is no error."""
    full = np.zeros((len(errors), len(errors[-1])))
    for t, row in enumerate(errors):
        full[t, : len(row)] = np.nan_to_num(row)
    return full


def _averaged(scores: np.ndarray, n: int) -> np.ndarray:
    """Return running means of the last `n` scores, (T,)."""
    sums = np.cumsum(np.concatenate([np.zeros(n), scores]))
    return (sums[n:] - sums[:-n]) / n


def _over_features(errors: np.ndarray) -> np.ndarray:
    """Return scores by the root mean square, in place of the largest, over the features, (T,)."""
    each = np.array([surprises(column[:, None]) for column in errors.T])
    times = each / (1 - each)
    return np.sqrt((times**2).mean(axis=0))


def _likelihood(errors: np.ndarray, short: int = 10) -> np.ndarray:
    """Return Lavin & Ahmad's anomaly likelihood, (T,).

    It is the mean of the last `short` surprises in deviations of about the last 1000 surprises.
    """
    found = _averaged(surprises(errors), short)
    return by_standard_score(found[:, None])


#: What else might be made of the same values and errors, (T, n): scores, (T,).
OTHER_SCORES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "rarity": lambda X, errors: rarities(X, errors, lasting=False),
    "error": lambda X, errors: surprises(errors),
    "rarity of the error alone": lambda X, errors: rarities(np.zeros_like(X), errors, False),
    "squared errors": lambda X, errors: surprises(errors**2),
    "root mean square of the features": lambda X, errors: _over_features(errors),
    "mean of the last 10": lambda X, errors: _averaged(surprises(errors), 10),
    "mean of the last 50": lambda X, errors: _averaged(surprises(errors), 50),
    "anomaly likelihood": lambda X, errors: _likelihood(errors),
    "usual: the last 100 errors": lambda X, errors: surprises(errors, 100),
    "over its own usual size": lambda X, errors: surprises(_odds(surprises(errors))[:, None]),
}


def _odds(scores: np.ndarray) -> np.ndarray:
    return scores / (1 - scores)


class Measured(NamedTuple):
    """What was found on one stream, by detector or other score."""

    figures: dict[str, dict[str, float]]
    labels: np.ndarray
    scores: dict[str, np.ndarray]


def measure(name: str, n: int) -> Measured:
    """Return how well the anomalies of a stream are ranked."""
    samples = samples_of(name, n)
    labels = np.array([label for _, label in samples])
    X = np.array([list(x.values()) for x, _ in samples], float)
    ours, errors = by_network(samples)
    scores = {
        "RNNAnomalyDetector": ours,
        "HalfSpaceTrees": by_trees(samples),
        "last value": by_last_value(X),
        "standard scores": by_standard_score(X),
        **{what: score(X, errors) for what, score in OTHER_SCORES.items()},
    }
    is_nab = name not in anomaly_streams.STREAMS
    figures = {what: _figures(labels, one, is_nab) for what, one in scores.items()}
    return Measured(figures, labels, scores)


def _figures(labels: np.ndarray, scores: np.ndarray, has_windows: bool) -> dict[str, float]:
    counted = labels[SKIPPED:], scores[SKIPPED:]
    found = {"roc_auc": roc_auc(*counted), "pr_auc": pr_auc(*counted)}
    if has_windows:
        found["windows"] = windows_auc(labels, scores)
        found["windows_pr"] = windows_pr_auc(labels, scores)
    return {key: round(value, 4) for key, value in found.items()}


def run(options: dict[str, int], only: list[str], pool: Executor) -> dict[str, Any]:
    """Measure everything; return the whole report."""
    names = [*anomaly_streams.STREAMS, *nab_names()]
    chosen = [name for name in names if not only or name in only]
    if not chosen:
        raise ValueError(f"no stream is called {' or '.join(only)}; there are {', '.join(names)}")
    jobs = {name: pool.submit(measure, name, options[_kind(name)]) for name in chosen}
    found = {name: job.result() for name, job in jobs.items()}
    figures = {name: one.figures for name, one in found.items()}
    of_nab = [one for name, one in found.items() if _kind(name) == "nab"]
    return complete(options, streams=figures, means=_means(figures), early=_early(of_nab))


def _early(found: list[Measured]) -> dict[str, dict[str, float]]:
    """Return by detector how early it finds the windows of all streams of NAB."""
    answer = {}
    for what in found[0].scores if found else ():
        early = early_detection([Stream(one.labels, one.scores[what]) for one in found])
        figures = {"nab": early.nab, "found": early.found, "delay": early.delay}
        answer[what] = {key: round(value, 4) for key, value in figures.items()}
    return answer


def _kind(name: str) -> str:
    return "samples" if name in anomaly_streams.STREAMS else "nab"


def _means(found: dict[str, dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Return means over the streams, apart for those of NAB, by detector."""
    answer: dict[str, Any] = {}
    for kind in dict.fromkeys(map(_kind, found)):
        group = [figures for name, figures in found.items() if _kind(name) == kind]
        answer[kind] = {
            what: {key: round(mean(one[what][key] for one in group), 4) for key in figures}
            for what, figures in group[0].items()
        }
    return answer


def table(report: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = []
    for kind, means in report["means"].items():
        names = [name for name in report["streams"] if _kind(name) == kind]
        for key in next(iter(means.values())):
            lines.append(f"\n{key:<34}" + "".join(f"{n[:12]:>14}" for n in [*names, "mean"]))
            for what, figures in means.items():
                each = [report["streams"][name][what][key] for name in names]
                lines.append(f"{what:<34}" + "".join(f"{v:>14.3f}" for v in [*each, figures[key]]))
    if report["early"]:
        lines.append(f"\n{'early':<34}" + "".join(f"{n:>14}" for n in ("nab", "found", "delay")))
    for what, figures in report["early"].items():
        lines.append(f"{what:<34}" + "".join(f"{value:>14.3f}" for value in figures.values()))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print tables, and write everything as JSON if asked to."""
    over_streams(__doc__, OPTIONS, run, table, arguments)


if __name__ == "__main__":
    main()
