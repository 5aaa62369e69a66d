"""What a model that travelled computes, step by step from lists: weights and moments never move."""

import math

import numpy as np

from naive.cells import times
from naive.gradients import step
from naive.heads import Linear

LIMIT = 1e100


def within(value, mean, count, m2, clip):
    """The value, or the nearest that moments allow: twice as far while there are ten."""
    reach = clip * (1 + (10 / count) ** 2) * math.sqrt(m2 / count) if m2 > 0 else math.inf
    return sorted((mean - reach, value, mean + reach))[1]


def standardised(value, count, mean, m2, clip):
    """The value by the moments with it, clipped before and after; missing ones are 0."""
    if not abs(value) <= LIMIT:
        return 0.0
    value = within(value, mean, count, m2, clip)
    total = count * mean + value
    new_mean = total / (count + 1)
    m2 += count / (count + 1) * (value - mean) ** 2
    scaled = (value - new_mean) / math.sqrt(m2 / (count + 1)) if m2 > 0 else 0.0
    return sorted((-clip, scaled, clip))[1]


def scaled_change(change, count, squares, clip):
    change = within(change, 0.0, count, squares, clip)
    squares += change**2
    scaled = change / math.sqrt(squares / (count + 1)) if squares > 0 else 0.0
    return sorted((-clip, scaled, clip))[1]


def trusted(both, guessed, came, n):
    """The regression coefficient less its standard error, five samples on which it is 1 added."""
    both, guessed, came, n = both + 5, guessed + 5, came + 5, n + 5
    left = max(came - both**2 / guessed, 0) / n
    return min(max(both / guessed - math.sqrt(left / guessed), 0), 1)


class Traveller:
    """One stream of a snapshot.

    `told` has the targets of the steps before, the oldest first: None where it is not known,
    otherwise a number for each output.
    """

    def __init__(self, snapshot):
        self.snapshot = one = snapshot
        self.clip = math.inf if one.scale_clip is None else float(one.scale_clip)
        self.states = [tuple(one.state[:, layer]) for layer in range(one.num_layers)]
        memory = one.memory
        self.before = None if memory.x_before is None else list(memory.x_before)
        rows = [] if memory.targets is None else memory.targets[::-1]
        self.told = [list(row[:-1]) if row[-1] else None for row in rows]
        self.last = None if memory.last is None else list(memory.last)

    def take(self, y):
        """Learn the target of the step before."""
        if self.told and self.told[-1] is not None:
            return
        known = [abs(value) <= LIMIT for value in y]
        if any(known) and self.told:
            self.told[-1] = self.as_told(y, known)
        if self.last is not None:
            self.last = [v if k else old for v, k, old in zip(y, known, self.last, strict=True)]

    def as_told(self, y, known):
        one = self.snapshot
        if one.decoding == "softmax":
            return [float(k == y[0]) for k in range(one.n_outputs)]
        if one.decoding != "identity":
            return [2 * value - 1 if k else 0.0 for value, k in zip(y, known, strict=True)]
        moments = one.target_moments.T
        if self.last is None:
            return [standardised(v, *m, self.clip) for v, m in zip(y, moments, strict=True)]
        told = []
        for k, value in enumerate(y):
            count, _, squares = moments[k]
            tells = known[k] and not math.isnan(self.last[k])
            change = value - self.last[k]
            told.append(scaled_change(change, count, squares, self.clip) if tells else 0.0)
        return told

    def recent(self, n):
        """The last n targets from the newest known one on."""
        rows = list(reversed(self.told))
        while rows and rows[0] is None:
            rows.pop(0)
        nothing = [0.0] * self.snapshot.n_outputs
        rows = [nothing if row is None else row for row in rows[:n]]
        return rows + [nothing] * (n - len(rows))

    def levels(self):
        return [
            (last - mean) / math.sqrt(m2 / count) if not math.isnan(last) and m2 > 0 else 0.0
            for last, (count, mean, m2) in zip(
                self.last, self.snapshot.level_moments.T, strict=True
            )
        ]

    def predict(self, x, y):
        """Take the target of the step before, then a step."""
        one = self.snapshot
        self.take(y)
        x = [standardised(v, *m, self.clip) for v, m in zip(x, one.input_moments.T, strict=True)]
        seen = x + (self.recent(1)[0] if one.n_lags else [])
        read = list(seen)
        if self.before is not None:
            read += self.before
            self.before = x
        if one.n_recent:
            read += self.levels() if self.last is not None else []
            read += np.concatenate(self.recent(one.n_recent)).tolist()
        self.states, _ = step(one.cell, one.weights, np.array(seen), self.states)
        z = Linear().read(one.weights, self.states[-1][0], np.array(seen))
        for name in ("head.skip", "head.inputs"):
            if name in one.weights:
                z = z + times(one.weights[name], np.clip(read, -one.bound, one.bound))
        if self.told:
            self.told = [*self.told[1:], None]
        return self.decoded(z)

    def decoded(self, z):
        one = self.snapshot
        if one.decoding == "identity":
            return [self.in_units(value, k) for k, value in enumerate(z)]
        odds = np.exp(z)
        if one.decoding == "softmax":
            return odds / odds.sum()
        holds = odds / (1 + odds)
        return [1 - holds[0], holds[0]] if one.decoding == "logistic" else holds

    def in_units(self, z, k):
        one = self.snapshot
        count, mean, m2 = one.target_moments[:, k]
        if self.last is not None:
            z *= trusted(*one.change_fit[:, k])
        z = sorted((-self.clip, z, self.clip))[1]
        if self.last is None:
            return z if count == 0 else mean + z * math.sqrt(m2 / count)
        change = z * math.sqrt(m2 / count) if count else 0.0
        last = self.last[k]
        return change + (one.level_moments[1, k] if math.isnan(last) else last)
