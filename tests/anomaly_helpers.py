"""Anomaly detectors that are quick to run, and a stream for them."""

import math

import numpy as np
from estimator_helpers import SMALL
from river.datasets import synth

from streamrnn import RNNAnomalyDetector

SCORES = ("lasting", "rarity", "error")


def detector(**arguments):
    return RNNAnomalyDetector(**SMALL | arguments)


def noisy_wave(length, seed=0):
    """A wave and a pulse, of unlike units, with noise and gaps; a feature comes late."""
    rng = np.random.default_rng(seed)
    for t in range(length):
        x = {"wave": 1e4 + 300 * math.sin(t / 5) + 20 * rng.normal(), "pulse": float(t % 4 == 0)}
        if t % 11 == 3:
            x["wave"] = None
        if t > length // 2:
            x["late"] = rng.normal()
        yield x


def learnt(length=40, **arguments):
    model = detector(**arguments)
    for x in noisy_wave(length):
        model.learn_one(x)
    return model


def scores(model, samples):
    answers = []
    for x in samples:
        answers.append(model.score_one(x))
        model.learn_one(x)
    return answers


def sine(n):
    return synth.AnomalySine(n_samples=n, n_anomalies=n // 20, replace=True, seed=12)
