"""How rare a sample is by its errors and values, and what is left of that when it has passed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from streamrnn.estimators.outline import only
from streamrnn.estimators.scores import Scores, checked
from streamrnn.estimators.surprise import MOST, Surprise
from streamrnn.scaling import LIMIT

#: What a standard score of a value counts beside how many times the usual its error is. More, and
#: values that are wrong only where they stand are lost among those that are merely large.
_VALUE = 0.5
#: How many memories of errors the tail remembers: rare events need longer to be counted.
_LONGER = 5
#: What part of a memory an anomaly is held for.
_HELD = 5
#: Values further off than this are as good as infinite: squares stay finite.
_HUGE, _TINY = 1e150, 1e-300
_BELOW_ONE = math.nextafter(1.0, 0.0)


class Places:
    """Where the values of several features usually lie: mean and variance, forgetting.

    Parameters
    ----------
    memory
        Values that count; until there are as many, all count alike.
    """

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.means = np.zeros(0)
        self.variances = np.zeros(0)

    def grow(self, n: int) -> None:
        """Make room for `n` features."""
        more = np.zeros(n - len(self.means))
        self.means = np.concatenate([self.means, more])
        self.variances = np.concatenate([self.variances, more])

    def off(self, values: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return by how many deviations values are off, (features,).

        `seen` says how many there were before, (features,). The value itself takes part in the
        deviation, so that nothing is off by more than the root of that.
        """
        far = np.minimum(np.abs(values - self.means), _HUGE)
        own = far * far / np.maximum(seen, 1.0)
        return far / np.sqrt(self.variances + own + _TINY)

    def count(self, values: np.ndarray, seen: np.ndarray, usable: np.ndarray) -> None:
        """Take values into account, (features,), where they are `usable`."""
        share = 1.0 / np.minimum(seen + 1.0, self.memory)
        change = np.where(usable, values - self.means, 0.0)
        most = np.where(self.variances > 0.0, MOST * np.sqrt(self.variances), math.inf)
        change = np.maximum(np.minimum(change, most), -most)
        step = share * change
        spread = (1.0 - share) * (self.variances + step * change)
        self.variances = np.where(usable, spread, self.variances)
        self.means = self.means + step


class Tail:
    """How often evidence is as large as some: counted up to twice the usual, a power beyond that.

    The power is Hill's (1975, A simple general approach to inference about the tail of a
    distribution), the mean logarithm of what is beyond. Two of twenty samples beyond, and a power
    of two, are given in advance.

    Parameters
    ----------
    memory
        Samples that count; until there are as many, all count alike.
    """

    #: Evidence is many times the usual error: beyond twice that, the tail begins.
    _BEGINS = 2.0
    _SAMPLES, _BEYOND, _LOGS = 20.0, 2.0, 1.0

    def __init__(self, memory: int) -> None:
        self.memory = memory
        self.samples = self.beyond = self.logs = 0.0

    def rarity(self, evidence: float) -> float:
        """Return minus the logarithm of the share of samples with as much evidence."""
        beyond = self._BEYOND + self.beyond
        begins = math.log((self._SAMPLES + self.samples) / beyond)
        if evidence <= self._BEGINS:
            return begins * evidence / self._BEGINS
        return begins + math.log(evidence / self._BEGINS) / self._power(beyond)

    def count(self, evidence: float) -> None:
        """Take the evidence of one sample into account."""
        kept = min(1.0, (self.memory - 1.0) / max(self.samples, 1.0))
        beyond = logs = 0.0
        if evidence > self._BEGINS:
            beyond = 1.0
            # As with errors: one far out must not make all others usual.
            least = 3.0 * self._power(self._BEYOND + self.beyond)
            logs = min(math.log(evidence / self._BEGINS), least)
        self.samples = kept * self.samples + 1.0
        self.beyond = kept * self.beyond + beyond
        self.logs = kept * self.logs + logs

    def _power(self, beyond: float) -> float:
        return (self._LOGS + self.logs) / beyond


class Held:
    """What is left of an anomaly: rarity that fades, beyond what is usually left.

    Parameters
    ----------
    memory
        Samples after which 1 / e is left.
    usual
        Samples over which is averaged what is usually left.
    """

    #: Rarity from which a sample is one to remember: one in e^5, about 150.
    _LEAST = 5.0
    #: Where anomalies are frequent, nothing is left: so many times what there is usually.
    _TIMES = 4.0

    def __init__(self, memory: float, usual: int) -> None:
        self.memory, self.usual = memory, usual
        self.level = self.mean = self.samples = 0.0

    def left(self) -> float:
        """Return what is left now."""
        return max(self.level - self._TIMES * self.mean, 0.0)

    def count(self, rarity: float) -> None:
        """Take the rarity of one sample into account."""
        self.samples = min(self.samples + 1.0, float(self.usual))
        self.mean += (self.level - self.mean) / self.samples
        self.level = max(self.level * (1.0 - 1.0 / self.memory), rarity - self._LEAST)


class Rarity(Scores):
    """The share of samples that are less odd than one, by its errors and its values.

    Parameters
    ----------
    memory
        Errors and values of a feature that make up what is usual.
    lasting
        Whether the samples after a rare one score more, less and less.
    """

    def __init__(self, memory: int, lasting: bool) -> None:
        self.errors = Surprise(memory)
        self.places = Places(memory)
        self.tail = Tail(_LONGER * memory)
        held = Held(max(memory / _HELD, 1.0), _LONGER * memory)
        self.held = held if lasting else None

    def grow(self, n: int) -> None:
        """Make room for `n` features."""
        self.errors.grow(n)
        self.places.grow(n)

    def score(self, values: np.ndarray, errors: np.ndarray) -> float:
        """Return 1 - exp(-rarity), 0 if nothing is known that was seen twice."""
        evidence = self._evidence(values, errors)
        return 0.0 if evidence is None else self._score(self.tail.rarity(evidence))

    def _evidence(self, values: np.ndarray, errors: np.ndarray) -> float | None:
        """Return how odd the oddest feature is, None if there is none that was seen twice."""
        seen = self.errors.counts
        odd = self.errors.times(errors) + _VALUE * self.places.off(values, seen)
        most = float(np.fmax.reduce(np.where(seen > 1.0, odd, np.nan), initial=-1.0))
        return most if most >= 0.0 else None

    def _score(self, rarity: float) -> float:
        if self.held is not None:
            rarity += self.held.left()
        return min(-math.expm1(-rarity), _BELOW_ONE)

    def _take(self, values: np.ndarray, errors: np.ndarray) -> Callable[[], float]:
        score, evidence = 0.0, self._evidence(values, errors)
        if evidence is not None:
            rarity = self.tail.rarity(evidence)
            score = self._score(rarity)
            self.tail.count(evidence)
            if self.held is not None:
                self.held.count(rarity)
        self.places.count(values, self.errors.counts, np.abs(errors) <= LIMIT)
        self.errors.count(errors)
        return lambda: score

    def kept(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        places, tail, held = self.places, self.tail, self.held
        kept = self.errors.kept() | {
            "means": places.means,
            "variances": places.variances,
            "tail": np.array([tail.samples, tail.beyond, tail.logs]),
        }
        if held is not None:
            kept["held"] = np.array([held.samples, held.level, held.mean])
        return kept

    def restore(self, kept: dict[str, Any], n: int) -> None:
        """Take over what `kept` returned, of `n` features; ValueError if it is something else."""
        names = [name for name in self.kept() if name not in ("counts", "sizes")]
        means, variances, tail, *held = only(
            {name: part for name, part in kept.items() if name not in ("counts", "sizes")}, *names
        )
        self.errors.restore({name: kept[name] for name in kept if name not in names}, n)
        most = 10.0 * LIMIT
        self.places.means = checked("means of values", means, (n,), -most, most)
        self.places.variances = checked("variances of values", variances, (n,), 0.0, most * most)
        tail = checked("counts of the tail", tail, (3,), 0.0, 1e15)
        self.tail.samples, self.tail.beyond, self.tail.logs = tail.tolist()
        if self.held is not None:
            (left,) = held
            left = checked("held rarities", left, (3,), 0.0, 1e15)
            self.held.samples, self.held.level, self.held.mean = left.tolist()
