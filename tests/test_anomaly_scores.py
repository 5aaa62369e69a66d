"""The anomaly detector: what it finds, and what its scores mean."""

import math
import warnings

import numpy as np
import pytest
from anomaly_helpers import detector, learnt, noisy_wave, scores, sine
from river import anomaly, datasets, metrics

from streamrnn.estimators.surprise import Surprise

# --- what it finds


@pytest.mark.parametrize(
    ("stream", "least"), [(datasets.Shuttle().take(2000), 0.96), (sine(2000), 0.93)]
)
def test_it_ranks_anomalies_first(stream, least):
    auc = metrics.ROCAUC(n_thresholds=200)
    model = detector()
    for x, is_anomaly in stream:
        auc.update(bool(is_anomaly), model.score_one(x))
        model.learn_one(x)
    assert auc.get() > least


def test_a_usual_value_at_the_wrong_time_is_found():
    """Every value is as frequent as it is without the mistake: only the order tells."""
    model, memoryless = detector(lr=0.01, score="rarity"), anomaly.HalfSpaceTrees(seed=1)
    wrong, found, baseline = {1500, 1601, 1702, 1803, 1904}, [], []
    for t in range(2000):
        x = {"phase": float((t + 2 * (t in wrong)) % 4) / 4}
        found.append(model.score_one(x))
        baseline.append(memoryless.score_one(x))
        model.learn_one(x)
        memoryless.learn_one(x)
    # The samples after a mistake are predicted from the mistake.
    after = {t + i for t in wrong for i in range(1, 20)}
    usual = [t for t in range(1000, 2000) if t not in wrong | after]
    assert min(found[t] for t in wrong) > max(found[t] for t in usual)
    assert min(baseline[t] for t in wrong) < max(baseline[t] for t in usual)


def test_one_feature_of_many_is_enough():
    rng = np.random.default_rng(5)
    model = detector()
    for _ in range(600):
        model.learn_one(dict(enumerate(rng.normal(size=30))))
    usual = [model.score_one(dict(enumerate(rng.normal(size=30)))) for _ in range(100)]
    spike = dict.fromkeys(range(30), 0.0) | {17: 12.0}
    assert model.score_one(spike) > max(usual)


def test_units_do_not_matter():
    def scaled(factor):
        return [{name: v and v * factor for name, v in x.items()} for x in noisy_wave(200)]

    np.testing.assert_allclose(
        scores(detector(dtype="float64"), scaled(1.0)),
        scores(detector(dtype="float64"), scaled(1e6)),
        atol=1e-9,
    )


# --- what a score is that tells the error


class Slow:
    """The usual size of one feature's errors and the score, as their descriptions have them."""

    def __init__(self, memory):
        self.memory, self.seen, self.size = memory, 0, 0.0

    def score(self, error):
        n = min(self.seen - 1, self.memory)
        if math.isnan(error) or error == 0 or n < 1:
            return 0.0
        return 1 / (1 + self.size / abs(error) + 1 / n)

    def saw(self, error):
        if not abs(error) <= 1e100:
            return
        if self.seen > 0:
            n = min(self.seen, self.memory)
            least = min(abs(error), 10 * self.size) if self.size > 0 else abs(error)
            self.size = ((n - 1) * self.size + least) / n
        self.seen += 1


def test_scores_are_those_of_a_slow_twin(rng):
    surprise, twins = Surprise(20), []
    for t in range(120):
        if t in (0, 30):  # features that come late
            twins += [Slow(20), Slow(20)]
            surprise.grow(len(twins))
        errors = rng.normal(size=len(twins)) * 10.0 ** rng.integers(-3, 4)
        errors[rng.random(len(twins)) < 0.1] = rng.choice([math.nan, 0.0, 1e300, -math.inf])
        expected = max(twin.score(e) for twin, e in zip(twins, errors, strict=True))
        assert surprise.score(errors, errors) == pytest.approx(expected, rel=1e-12)
        surprise.saw({}, errors, errors)
        for twin, e in zip(twins, errors, strict=True):
            twin.saw(e)
    np.testing.assert_allclose(surprise.sizes, [twin.size for twin in twins], rtol=1e-12)


def test_a_score_of_nine_tenths_is_nine_times_the_usual_error():
    model = learnt(400, score="error")
    size, n = model._surprise.sizes[0], model._surprise.counts[0] - 1
    assert model.feature_names[0] == "pulse"
    model._model.run_one(False)
    x = {"pulse": model._model.answer[0] + 9 * size}
    assert model.score_one(x) == pytest.approx(1 / (1 + 1 / 9 + 1 / n))


def test_first_samples_are_no_anomalies():
    model = detector(score="error")
    assert model.score_one({"a": 5.0}) == model.score_one({}) == 0.0
    found = scores(model, [{"a": float(t)} for t in range(10)])
    assert found[:2] == [0.0, 0.0]  # no error yet, and none to compare it with
    assert all(0 < score <= n / (n + 1) for n, score in enumerate(found[2:], start=1))


def test_a_new_feature_says_nothing_at_first():
    model = learnt(20, score="error")
    x = next(noisy_wave(1))
    assert model.score_one({**x, "new": 1e9}) == model.score_one(x)
    model.learn_one({**x, "new": 1e9})
    assert model.score_one({"new": -1e9}) == 0.0


def test_constant_features_and_those_that_jump():
    model = detector(score="error")
    assert scores(model, [{"a": 5.0} for _ in range(100)]) == [0.0] * 100
    assert model.score_one({"a": 5.0}) == 0.0
    assert model.score_one({"a": 5.1}) == pytest.approx(99 / 100)
    found = scores(model, [{"a": 6.0} for _ in range(400)])
    assert found[0] == pytest.approx(99 / 100)
    assert max(found[-100:]) < 0.7  # what was a jump has become usual


def test_a_feature_that_becomes_lively_becomes_usual_again(rng):
    model = detector(score="error")
    for _ in range(100):
        model.learn_one({"a": 5.0 + 1e-6 * rng.normal()})
    found = scores(model, [{"a": 5.0 + rng.normal()} for _ in range(1500)])
    assert np.mean(found[:20]) > 0.95
    assert np.mean(found[-200:]) < 0.6


def test_a_spike_does_not_hide_the_next_one(rng):
    model = learnt(500, score="error")
    usual = next(noisy_wave(1))
    before = model._surprise.sizes.copy()
    model.learn_one(usual | {"pulse": 1e6})
    assert (model._surprise.sizes <= before * 1.05).all()
    assert model.score_one(usual | {"pulse": -1e6}) > 0.99


@pytest.mark.parametrize("value", [1e9, -1e9, 1e300, -1e308, math.inf, 10**400])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_values_are_as_surprising_as_can_be(value, dtype):
    model = learnt(100, dtype=dtype, score="error")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        n = model._surprise.counts.max() - 1
        assert model.score_one({"pulse": value}) == pytest.approx(n / (n + 1), abs=1e-3)
        model.learn_one({"pulse": value})
        found = scores(model, noisy_wave(50))
    assert all(0 <= score < 1 for score in found)
    assert np.isfinite(model._surprise.sizes).all()


@pytest.mark.parametrize("x", [{}, {"wave": None}, {"pulse": math.nan}, {"unknown": 1.0}])
def test_samples_without_a_known_value_score_nothing(x):
    model = learnt(score="error")
    assert model.score_one(x) == 0.0
    weights = model.get_weights()
    missing = model.counters["missing_targets"]
    if "unknown" not in x:
        model.learn_one(x)
        assert model.counters["missing_targets"] == missing + 1
        assert all((weights[name] == a).all() for name, a in model.get_weights().items())


def test_missing_values_do_not_change_what_is_usual():
    model = learnt(score="error")
    counts, sizes = model._surprise.counts.copy(), model._surprise.sizes.copy()
    model.learn_one({"pulse": None, "late": math.nan, "wave": math.inf})
    assert (model._surprise.counts == counts).all()
    assert (model._surprise.sizes == sizes).all()
