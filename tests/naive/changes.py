"""What is known of targets where their changes are predicted; everything that was told is kept."""

import math

import numpy as np

from naive.online import Scaler, moments


class Changes:
    """Of `n` targets; of a series their newest one, the last, is what all of them change from."""

    def __init__(self, n, *, scaled=True, clip=None, memory=None, shrinks=True, is_series=False):
        self.scaled, self.shrinks, self.is_series = scaled, shrinks, is_series
        self.clip = math.inf if clip is None else clip
        self.memory = math.inf if memory is None else memory
        self.levels = [Scaler(clip, memory) for _ in range(n)]
        self.told = [[] for _ in range(n)]  # since the last reset: (sample's number, value)
        self.changes = [[] for _ in range(n)]  # as they count, in the target's units
        self.weights = [[] for _ in range(n)]  # 1, until there are more than the memory holds
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
        scaler = self.levels[self.teller(k)]
        mean, std = moments(scaler.values, scaler.weights)
        return 0.0 if math.isnan(base) or std == 0 else (base - mean) / std

    def usual(self, k):
        if not self.changes[k]:
            return 0.0
        return np.sqrt(np.average(np.square(self.changes[k]), weights=self.weights[k]))

    def shrinkage(self, k):
        if not self.shrinks:
            return 1.0
        pairs = np.clip(np.array(self.pairs[k]).reshape(-1, 2), -5, 5)
        weights = 0.995 ** np.arange(len(pairs))[::-1]
        guess, came = pairs.T
        guessed = weights @ guess**2 + 5
        slope = (weights @ (guess * came) + 5) / guessed
        rest = weights @ came**2 + 5 - slope**2 * guessed
        error = np.sqrt(max(rest, 0) / (weights.sum() + 5) / guessed)
        return min(max(slope - error, 0.0), 1.0)

    def expected(self, z):
        changes = [self.shrinkage(k) * z[k] for k in range(len(z))]
        return np.clip(changes, -self.clip, self.clip) if self.scaled else np.array(changes)

    def predicted(self, z):
        """In the target's units."""
        values = []
        for k, change in enumerate(self.expected(z)):
            base = self.base(k)
            scaler = self.levels[self.teller(k)]
            mean = moments(scaler.values, scaler.weights)[0]
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
        self.levels[k].keep(value)
        self.note(k, number, value)
        if math.isnan(base):
            return math.nan
        change = value - base
        if self.scaled:
            change = self.scaled_change(k, change)
        self.pairs[k].append((z[k] if np.ndim(z) else z, change))
        return change

    def scaled_change(self, k, change):
        """About 0, and what lies beyond the clip counts as there; older ones fade.

        While there are few, one that is far smaller makes the others count half.
        """
        weights = self.weights[k]
        if self.usual(k) > 0:
            reach = self.clip * (1 + (10 / sum(weights)) ** 2) * self.usual(k)
            change = np.clip(change, -reach, reach)
        self.changes[k].append(change)
        weights.append(1.0)
        usual, n = self.usual(k), sum(weights)
        scaled = change / usual if usual > 0 else 0.0
        if n > self.memory:
            self.weights[k] = [weight * self.memory / n for weight in weights]
        if self.clip < math.inf and n <= 30 and 0 < abs(scaled) < 1 / 30:
            self.weights[k] = [weight / 2 for weight in weights]
        return np.clip(scaled, -self.clip, self.clip)
