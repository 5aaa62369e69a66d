"""What is known of targets where their changes are predicted; everything that was told is kept."""

import math

import numpy as np

from naive.online import Scaler


class Changes:
    """Of `n` targets; of a series their newest one, the last, is what all of them change from."""

    def __init__(self, n, *, scaled=True, clip=math.inf, shrinks=True, is_series=False):
        self.scaled, self.clip, self.shrinks, self.is_series = scaled, clip, shrinks, is_series
        self.levels = [Scaler() for _ in range(n)]
        self.told = [[] for _ in range(n)]  # since the last reset: (sample's number, value)
        self.changes = [[] for _ in range(n)]  # as they count, in the target's units
        self.pairs = [[] for _ in range(n)]  # (predicted, came), scaled

    def forget_last(self):
        self.told = [[] for _ in self.told]

    def teller(self, k):
        return len(self.told) - 1 if self.is_series else k

    def base(self, k):
        """The value of the newest sample that has one; of two for one sample the later one."""
        told = self.told[self.teller(k)]
        newest = max((number for number, _ in told), default=None)
        return [value for number, value in told if number == newest][-1] if told else math.nan

    def level(self, k):
        base = self.base(k)
        return 0.0 if math.isnan(base) else self.levels[self.teller(k)].scale(base)

    def usual(self, k):
        return np.sqrt(np.mean(np.square(self.changes[k]))) if self.changes[k] else 0.0

    def shrinkage(self, k):
        if not self.shrinks:
            return 1.0
        pairs = np.clip(np.array(self.pairs[k]).reshape(-1, 2), -5, 5)
        weights = 0.995 ** np.arange(len(pairs))[::-1]
        guess, came = pairs.T
        ratio = (weights @ (guess * came) + 5) / (weights @ guess**2 + 5)
        return min(max(ratio, 0.0), 1.0)

    def expected(self, z):
        return np.array([self.shrinkage(k) * z[k] for k in range(len(z))])

    def predicted(self, z):
        """In the target's units."""
        values = []
        for k, change in enumerate(self.expected(z)):
            base = self.base(k)
            mean = self.levels[self.teller(k)].moments()[0]
            start = mean if math.isnan(base) else base
            values.append(start + change * (self.usual(k) if self.scaled else 1.0))
        return np.array(values)

    def bases(self):
        return [self.base(k) for k in range(len(self.told))]

    def note(self, k, number, value):
        self.told[k].append((number, value))

    def learn(self, y, number, bases, z):
        """Take in a sample's targets; return the scaled changes."""
        return np.array([self.learn_one(k, y[k], number, bases[k], z[k]) for k in range(len(z))])

    def learn_one(self, k, value, number, base, z):
        if not np.isfinite(value):
            return math.nan
        self.levels[k].values.append(value)
        self.note(k, number, value)
        if math.isnan(base):
            return math.nan
        change = value - base
        if self.scaled:
            usual = self.usual(k)
            if len(self.changes[k]) > 5 and usual > 0:
                change = np.clip(change, -self.clip * usual, self.clip * usual)
            self.changes[k].append(change)
            usual = self.usual(k)
            change = change / usual if usual > 0 else 0.0
        self.pairs[k].append((z[k] if np.ndim(z) else z, change))
        return change
