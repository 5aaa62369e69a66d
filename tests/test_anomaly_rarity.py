"""Scores that tell how rare a sample is, and that hold what was rare for a while."""

import math
import warnings

import numpy as np
import pytest
from anomaly_helpers import detector, learnt, noisy_wave, scores

from streamrnn.estimators.rarity import Rarity


class Feature:
    """What is usual of one feature, as the descriptions have it."""

    def __init__(self, memory):
        self.memory, self.seen, self.size, self.mean, self.variance = memory, 0, 0.0, 0.0, 0.0

    def odd(self, value, error):
        n = min(self.seen - 1, self.memory)
        if math.isnan(error) or n < 1:
            return None
        far = min(abs(error), 1e290)
        times = 0.0 if far == 0 else 1 / (self.size / far + 1 / n)
        far = min(abs(value - self.mean), 1e150)
        variance = self.variance + far * far / min(self.seen, self.memory + 1)
        return times + (far / math.sqrt(variance) / 2 if variance > 0 else 0.0)

    def saw(self, value, error):
        if not abs(error) <= 1e100:
            return
        if self.seen == 0:
            self.mean, self.seen = value, 1
            return
        n = min(self.seen, self.memory)
        least = min(abs(error), 10 * self.size) if self.size > 0 else abs(error)
        self.size = ((n - 1) * self.size + least) / n
        n = min(self.seen + 1, self.memory)
        change, most = value - self.mean, 10 * math.sqrt(self.variance)
        if most > 0:
            change = max(-most, min(change, most))
        self.variance = (n - 1) / n * (self.variance + change * change / n)
        self.mean += change / n
        self.seen += 1


class Slow:
    """Rarity of the oddest feature, and what is left of earlier ones."""

    def __init__(self, memory, lasting):
        self.memory, self.lasting, self.features = memory, lasting, []
        self.samples = self.beyond = self.logs = self.level = self.usual = self.n = 0.0

    def score(self, values, errors):
        told = [f.odd(v, e) for f, v, e in zip(self.features, values, errors, strict=True)]
        told = [odd for odd in told if odd is not None]
        return 1 - math.exp(-self.rarity(max(told)) - self.left()) if told else 0.0

    def left(self):
        return max(self.level - 4 * self.usual, 0.0) if self.lasting else 0.0

    def power(self):
        return (1 + self.logs) / (2 + self.beyond)

    def rarity(self, odd):
        share = (2 + self.beyond) / (20 + self.samples)
        if odd <= 2:
            return -math.log(share) * odd / 2
        return -math.log(share * (odd / 2) ** (-1 / self.power()))

    def saw(self, values, errors):
        told = [f.odd(v, e) for f, v, e in zip(self.features, values, errors, strict=True)]
        told = [odd for odd in told if odd is not None]
        if told:
            rarity = self.rarity(max(told))
            logs = min(math.log(max(told) / 2), 3 * self.power()) if max(told) > 2 else 0.0
            keep = 1 - 1 / (5 * self.memory) if self.samples >= 5 * self.memory else 1
            if self.samples > 5 * self.memory - 1:
                keep = (5 * self.memory - 1) / self.samples
            self.samples = keep * self.samples + 1
            self.beyond = keep * self.beyond + (max(told) > 2)
            self.logs = keep * self.logs + logs
            self.n = min(self.n + 1, 5 * self.memory)
            self.usual += (self.level - self.usual) / self.n
            self.level = max(self.level * (1 - 5 / self.memory), rarity - 5)
        for feature, value, error in zip(self.features, values, errors, strict=True):
            feature.saw(value, error)


@pytest.mark.parametrize("lasting", [True, False])
def test_scores_are_those_of_a_slow_twin(rng, lasting):
    fast, slow = Rarity(20, lasting), Slow(20, lasting)
    high = 0
    for t in range(400):
        if t in (0, 60):  # features that come late
            slow.features += [Feature(20), Feature(20)]
            fast.grow(len(slow.features))
        values = 5.0 + rng.normal(size=len(slow.features))
        errors = rng.normal(size=len(values)) * (30.0 if t % 90 == 80 else 1.0)
        for odd in (math.nan, 1e300, -math.inf):
            unknown = rng.random(len(values)) < 0.02
            values[unknown] = errors[unknown] = odd
        if t % 37 == 5:
            values[:] = errors[:] = math.nan
        expected = slow.score(values, errors)
        high += expected > 0.99
        assert fast.score(values, errors) == pytest.approx(expected, rel=1e-9, abs=1e-12)
        fast.saw({}, values, errors)
        slow.saw(values, errors)
    assert 5 < high < 100
    assert (fast.held is None) != lasting


def shares(noise, *levels):
    """How often scores of errors and values like this noise are above some levels."""
    rarity = Rarity(1000, lasting=False)
    rarity.grow(1)
    found = []
    for one in noise[:, None]:
        found.append(rarity.score(one, one))
        rarity.saw(None, one, one)
    return [np.mean(np.array(found[2000:]) > level) for level in levels]


STREAMS = {
    "normal": lambda rng: rng.normal(size=20_000),
    "exponential": lambda rng: rng.exponential(size=20_000),
    "student": lambda rng: 1e6 * rng.standard_t(2.5, size=20_000),
    "bursts": lambda rng: rng.normal(size=20_000) * np.exp(rng.normal(size=20_000)),
}


@pytest.mark.parametrize("name", STREAMS)
def test_one_in_a_thousand_is_no_more_than_that_whatever_the_stream(rng, name):
    hundredth, thousandth = shares(STREAMS[name](rng), 0.99, 0.999)
    assert hundredth < 0.015
    assert thousandth < 0.002
    if name in ("student", "bursts"):  # thin tails are taken for thicker ones
        assert hundredth > 0.005


def level_shift(n, rng, at=2000, lasts=150):
    """Noise that is ten times as loud for a while."""
    noise = rng.normal(size=n)
    noise[at : at + lasts] *= 10.0
    return noise


def told(noise, lasting):
    rarity = Rarity(1000, lasting)
    rarity.grow(1)
    found = []
    for one in noise[:, None]:
        found.append(rarity.score(one, one))
        rarity.saw(None, one, one)
    return np.array(found)


def test_what_lasts_keeps_its_score_and_what_has_passed_loses_it(rng):
    noise = level_shift(4000, rng)
    held, single = told(noise, True), told(noise, False)
    assert (held >= single).all()
    assert (held[:2000] == single[:2000]).mean() > 0.9
    assert (held[2010:2150] > 0.9).mean() > 0.9
    assert (single[2010:2150] > 0.9).mean() < 0.8
    assert (held[2150:2160] > single[2150:2160]).all()  # it cannot know that it is over
    assert np.median(held[3800:]) < 0.75


def test_where_what_is_rare_is_frequent_nothing_is_held(rng):
    noise = rng.normal(size=6000)
    noise[::40] *= 30.0
    held, single = told(noise, True)[3000:], told(noise, False)[3000:]
    assert (held == single).mean() > 0.99


@pytest.mark.parametrize("score", ["lasting", "rarity"])
def test_first_samples_and_constant_ones_are_not_rare(score):
    model = detector(score=score)
    assert model.score_one({"a": 5.0}) == model.score_one({}) == 0.0
    assert scores(model, [{"a": 5.0} for _ in range(100)]) == [0.0] * 100
    assert model.score_one({"a": 5.1}) > 0.999
    assert 0.0 <= max(scores(detector(score=score), noisy_wave(10))) < 0.95


@pytest.mark.parametrize("score", ["lasting", "rarity"])
@pytest.mark.parametrize("value", [1e9, -1e9, 1e300, -1e308, math.inf, 10**400])
def test_huge_values_are_rare_and_do_no_harm(value, score):
    model = learnt(100, score=score)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert 0.99 < model.score_one({"pulse": value}) < 1.0
        model.learn_one({"pulse": value})
        found = scores(model, noisy_wave(50))
    assert all(0 <= one < 1 for one in found)
    kept = model._surprise.kept()
    assert all(np.isfinite(array).all() for array in kept.values())


@pytest.mark.parametrize("score", ["lasting", "rarity"])
def test_samples_without_a_known_value_score_nothing_and_teach_nothing(score):
    model = learnt(score=score)
    before = {name: array.copy() for name, array in model._surprise.kept().items()}
    for x in ({}, {"wave": None}, {"pulse": math.nan}, {"late": math.inf}):
        if x.get("late") is None:
            assert model.score_one(x) == 0.0
        model.learn_one(x)
    known = {name for name in before if name not in ("tail", "held")}
    assert known == {"counts", "sizes", "means", "variances"}
    assert all((model._surprise.kept()[name] == before[name]).all() for name in known)


def test_a_new_feature_says_nothing_at_first():
    model = learnt(20)
    x = next(noisy_wave(1))
    assert model.score_one({**x, "new": 1e9}) == model.score_one(x)
    model.learn_one({**x, "new": 1e9})
    assert model.score_one({"new": -1e9}) == 0.0


def test_a_value_out_of_range_is_rarer_than_one_that_is_not(rng):
    rarity = Rarity(100, lasting=False)
    rarity.grow(1)
    for one in rng.normal(size=500)[:, None]:
        rarity.saw(None, one, one)
    error = np.array([3.0])
    at = [rarity.score(np.array([value]), error) for value in (0.0, 2.0, 8.0)]
    assert at == sorted(at)
    assert at[0] < at[2]
