"""What reads the outputs off the top layer: for each head its outputs, its gradient, its learning.

`seen` is what stands in front of the head beside the hidden state: the network's inputs, then what
the head alone reads. `recent_targets` and `recent_inputs` say what that is.
"""

import numpy as np

from naive.cells import times


class Linear:
    """z = W h + b."""

    recent_targets, recent_inputs = 0, False

    def read(self, weights, top, seen):
        return times(weights["head.weight"], top) + weights["head.bias"]

    def send_back(self, weights, top, seen, slope):
        """dL/dh, and the gradient of the head's weights."""
        gradient = {"head.weight": np.outer(slope, top), "head.bias": slope}
        return weights["head.weight"].T @ slope, gradient

    def learn(self, loss, weights, top, seen, target, weight):
        pass


class LinearSkip(Linear):
    """z = W h + V x + b."""

    def read(self, weights, top, seen):
        return super().read(weights, top, seen) + times(weights["head.skip"], seen)

    def send_back(self, weights, top, seen, slope):
        d_top, gradient = super().send_back(weights, top, seen, slope)
        return d_top, gradient | {"head.skip": np.outer(slope, seen)}


class RLS(Linear):
    """Newton steps; ages are those of the targets that the columns of `seen` tell, 0 for others.

    All that is known is kept as information: nothing is updated that could be computed.
    """

    recent_inputs = True

    def __init__(self, n_outputs, n_hidden, ages, **numbers):
        numbers = {"lags": 24, "ridge": 3, "decay": 2, "forgetting": 0.999, "bound": 5} | numbers
        self.recent_targets, self.ridge = int(numbers["lags"]), numbers["ridge"]
        self.decay, self.forgetting = numbers["decay"], numbers["forgetting"]
        self.bound = numbers["bound"]
        ages = [0] * (1 + n_hidden) + list(ages)
        self.information = np.diag([self.ridge * max(age, 1) ** self.decay for age in ages])
        self.W = np.zeros((n_outputs, len(ages)))
        self.samples = []  # which outputs each tells

    def regressors(self, top, seen):
        return np.concatenate([[1.0], top, np.clip(seen, -self.bound, self.bound)])

    def read(self, weights, top, seen):
        return self.W @ self.regressors(top, seen)

    def send_back(self, weights, top, seen, slope):
        return self.W[:, 1 : 1 + len(top)].T @ slope, {}

    def learn(self, loss, weights, top, seen, target, weight):
        if not np.isfinite(target).any():
            return
        phi, z = self.regressors(top, seen), self.read(weights, top, seen)
        slope = np.where(np.isfinite(target), loss.slope(z, np.nan_to_num(target)), 0.0)
        told = weight * loss.curvature(z, target)
        direction = np.outer(phi, phi)
        gain = np.linalg.solve(self.information, phi)
        for k, doubt in enumerate(self.doubts(target)):
            step = weight * slope[k] * doubt / (1 + told * doubt * (phi @ gain))
            self.W[k] = self.W[k] - step * gain
        known = 1 / (phi @ gain)
        forgotten = (1 - self.forgetting) * known
        self.information = self.information + (told - forgotten) * direction

    def doubts(self, target):
        """How many times as rarely as all samples came those that tell an output; forgetting."""
        if np.ndim(target) == 0 or len(target) != len(self.W):  # a class tells of all
            return np.ones(len(self.W))
        self.samples.append(np.isfinite(target))
        fading = self.forgetting ** np.arange(len(self.samples))[::-1]
        told = fading @ np.array(self.samples)
        return np.where(told > 0, fading.sum() / np.where(told > 0, told, 1), 1.0)
