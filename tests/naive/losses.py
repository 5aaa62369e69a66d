"""Losses of one sample: the value, its slope with respect to the outputs, and its curvature.

Outputs `p` have the shape `(..., n_out)`; `value` also takes complex outputs. The curvature is that
of one output, on the mean over those whose targets are known; of losses with corners, that of the
parabola which touches them on both sides.
"""

import numpy as np

from naive.cells import sigmoid


def size(e):
    """The absolute value in a form through which a complex step can go."""
    return np.where(e.real < 0, -e, e)


def spread(p):
    """The variance of what has probability p, at least that of 0.02."""
    return np.maximum(p * (1 - p), 0.02 * 0.98)


class Squared:
    def value(self, p, y):
        return (p[..., 0] - y) ** 2

    def slope(self, p, y):
        return 2 * (p - y)

    def curvature(self, p, y):
        return 2.0


class Absolute:
    def value(self, p, y):
        return size(p[..., 0] - y)

    def slope(self, p, y):
        return np.sign(p - y)

    def curvature(self, p, y):
        return np.nanmean(1 / np.maximum(np.abs(p - y), 0.1))


class Huber:
    def __init__(self, delta=1.0):
        self.delta = delta

    def value(self, p, y):
        e = p[..., 0] - y
        inside = size(e).real <= self.delta
        return np.where(inside, e**2 / 2, self.delta * (size(e) - self.delta / 2))

    def slope(self, p, y):
        return np.clip(p - y, -self.delta, self.delta)

    def curvature(self, p, y):
        return np.nanmean(self.delta / np.maximum(np.abs(p - y), self.delta))


class Quantile:
    def __init__(self, q=0.5):
        self.q = q

    def value(self, p, y):
        e = y - p[..., 0]
        return np.where(e.real > 0, self.q * e, (self.q - 1) * e)

    def slope(self, p, y):
        return np.where(y == p, 0.0, np.where(y > p, -self.q, 1 - self.q))

    def curvature(self, p, y):
        return np.nanmean(0.5 / np.maximum(np.abs(p - y), 0.1))


class Logistic:
    """Log loss of one logit, y in {0, 1}."""

    def value(self, p, y):
        return np.log(1 + np.exp(p[..., 0])) - y * p[..., 0]

    def slope(self, p, y):
        return sigmoid(p) - y

    def curvature(self, p, y):
        return spread(sigmoid(p[0]))


class CrossEntropy:
    """Softmax cross-entropy in nats, y the index of the class."""

    def value(self, p, y):
        return np.log(np.exp(p).sum(axis=-1)) - p[..., y]

    def slope(self, p, y):
        softmax = np.exp(p) / np.exp(p).sum()
        return softmax - np.eye(len(p))[y]

    def curvature(self, p, y):
        softmax = np.exp(p) / np.exp(p).sum()
        return spread(softmax).mean()


class Binary:
    """Log losses of several logits, each y in {0, 1}, added up."""

    def value(self, p, y):
        return (np.log(1 + np.exp(p)) - y * p).sum(axis=-1)

    def slope(self, p, y):
        return sigmoid(p) - y

    def curvature(self, p, y):
        return spread(sigmoid(p))[np.isfinite(y)].mean()


LOSSES = {
    "squared": Squared(),
    "absolute": Absolute(),
    "huber": Huber(),
    "quantile": Quantile(),
    "logistic": Logistic(),
    "cross_entropy": CrossEntropy(),
    "binary_cross_entropy": Binary(),
}
