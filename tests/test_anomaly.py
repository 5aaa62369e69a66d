"""The anomaly detector: what its scores mean, and that it keeps River's contract."""

import copy
import math
import pickle
import warnings
from datetime import datetime
from unittest import mock

import numpy as np
import pytest
from estimator_helpers import SMALL, model_bytes
from river import anomaly, checks, datasets, metrics, preprocessing
from river.checks import anomaly as anomaly_checks
from river.datasets import synth
from test_persistence_hostile import opened, refused

import streamrnn
from streamrnn import RNNAnomalyDetector, RNNRegressor
from streamrnn.estimators.surprise import Surprise


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


def rivers_checks():
    """Those that River runs on 151 MB to be downloaded, on what it brings along."""
    with mock.patch.object(datasets, "CreditCard", datasets.Shuttle):
        for i, check in enumerate(checks.yield_checks(detector())):
            yield pytest.param(check, id=f"{check.__name__}-{i}")


@pytest.mark.parametrize("check", list(rivers_checks()))
def test_rivers_checks(check):
    assert not detector()._unit_test_skips()
    check(detector())


def test_rivers_check_of_the_ranking_on_a_sine():
    anomaly_checks.check_roc_auc(detector(), sine(1000))


# --- what it finds


def sine(n):
    return synth.AnomalySine(n_samples=n, n_anomalies=n // 20, replace=True, seed=12)


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
    model, memoryless = detector(lr=0.01), anomaly.HalfSpaceTrees(seed=1)
    wrong, found, baseline = {1500, 1601, 1702, 1803, 1904}, [], []
    for t in range(2000):
        x = {"phase": float((t + 2 * (t in wrong)) % 4) / 4}
        found.append(model.score_one(x))
        baseline.append(memoryless.score_one(x))
        model.learn_one(x)
        memoryless.learn_one(x)
    # The sample after a mistake was predicted from the mistake.
    after = {t + i for t in wrong for i in range(1, 9)}
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


# --- what a score is


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
        assert surprise.score(errors) == pytest.approx(expected, rel=1e-12)
        surprise.saw({}, errors, errors)
        for twin, e in zip(twins, errors, strict=True):
            twin.saw(e)
    np.testing.assert_allclose(surprise.sizes, [twin.size for twin in twins], rtol=1e-12)


def test_a_score_of_nine_tenths_is_nine_times_the_usual_error():
    model = learnt(400)
    size, n = model._surprise.sizes[0], model._surprise.counts[0] - 1
    assert model.feature_names[0] == "pulse"
    model._model.run_one(False)
    x = {"pulse": model._model.answer[0] + 9 * size}
    assert model.score_one(x) == pytest.approx(1 / (1 + 1 / 9 + 1 / n))


def test_first_samples_are_no_anomalies():
    model = detector()
    assert model.score_one({"a": 5.0}) == model.score_one({}) == 0.0
    found = scores(model, [{"a": float(t)} for t in range(10)])
    assert found[:2] == [0.0, 0.0]  # no error yet, and none to compare it with
    assert all(0 < score <= n / (n + 1) for n, score in enumerate(found[2:], start=1))


def test_a_new_feature_says_nothing_at_first():
    model = learnt(20)
    x = next(noisy_wave(1))
    assert model.score_one({**x, "new": 1e9}) == model.score_one(x)
    model.learn_one({**x, "new": 1e9})
    assert model.score_one({"new": -1e9}) == 0.0


def test_constant_features_and_those_that_jump():
    model = detector()
    assert scores(model, [{"a": 5.0} for _ in range(100)]) == [0.0] * 100
    assert model.score_one({"a": 5.0}) == 0.0
    assert model.score_one({"a": 5.1}) == pytest.approx(99 / 100)
    found = scores(model, [{"a": 6.0} for _ in range(400)])
    assert found[0] == pytest.approx(99 / 100)
    assert max(found[-100:]) < 0.7  # what was a jump has become usual


def test_a_feature_that_becomes_lively_becomes_usual_again(rng):
    model = detector()
    for _ in range(100):
        model.learn_one({"a": 5.0 + 1e-6 * rng.normal()})
    found = scores(model, [{"a": 5.0 + rng.normal()} for _ in range(1500)])
    assert np.mean(found[:20]) > 0.95
    assert np.mean(found[-200:]) < 0.6


def test_a_spike_does_not_hide_the_next_one(rng):
    model = learnt(500)
    usual = next(noisy_wave(1))
    before = model._surprise.sizes.copy()
    model.learn_one(usual | {"pulse": 1e6})
    assert (model._surprise.sizes <= before * 1.05).all()
    assert model.score_one(usual | {"pulse": -1e6}) > 0.99


@pytest.mark.parametrize("value", [1e9, -1e9, 1e300, -1e308, math.inf, 10**400])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_huge_values_are_as_surprising_as_can_be(value, dtype):
    model = learnt(100, dtype=dtype)
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
    model = learnt()
    assert model.score_one(x) == 0.0
    weights = model.get_weights()
    missing = model.counters["missing_targets"]
    if "unknown" not in x:
        model.learn_one(x)
        assert model.counters["missing_targets"] == missing + 1
        assert all((weights[name] == a).all() for name, a in model.get_weights().items())


def test_missing_values_do_not_change_what_is_usual():
    model = learnt()
    counts, sizes = model._surprise.counts.copy(), model._surprise.sizes.copy()
    model.learn_one({"pulse": None, "late": math.nan, "wave": math.inf})
    assert (model._surprise.counts == counts).all()
    assert (model._surprise.sizes == sizes).all()


# --- copies, purity, seeds


def test_scoring_changes_nothing():
    model = detector(max_features=3)
    for x in noisy_wave(40):
        before, frozen = pickle.dumps(model), model_bytes(model)
        for odd in (x, {}, {"new": 1.0}, {**x, "pulse": None}, {f"n{i}": 1.0 for i in range(9)}):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                model.score_one(odd)
        assert pickle.dumps(model) == before
        assert model_bytes(model) == frozen
        model.learn_one(x)


def test_scoring_any_number_of_times_makes_no_difference():
    one, often = detector(), detector()
    for x in noisy_wave(60):
        expected = one.score_one(x)
        assert [often.score_one(dict(x)) for _ in range(3)] == [expected] * 3
        one.learn_one(x)
        often.learn_one(x)
    assert pickle.dumps(one) == pickle.dumps(often)


@pytest.mark.parametrize(
    "duplicate",
    [
        lambda model: pickle.loads(pickle.dumps(model)),
        copy.deepcopy,
        lambda model: model.clone(include_attributes=True),
        lambda model: streamrnn.from_bytes(model.to_bytes()),
    ],
    ids=["pickle", "deepcopy", "clone", "bytes"],
)
@pytest.mark.parametrize("at", [0, 1, 25])
def test_copies_go_on_bit_equal(duplicate, at):
    samples = list(noisy_wave(60))
    model = detector(memory=15)
    scores(model, samples[:at])
    other = duplicate(model)
    assert scores(model, samples[at:]) == scores(other, samples[at:])
    assert model.to_bytes() == other.to_bytes()
    assert model.feature_names == other.feature_names == ["pulse", "wave", "late"]


def test_seeds():
    found = [scores(detector(seed=seed), noisy_wave(60)) for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


KEPT = ("kept.counts", "kept.sizes")


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf, 1e101])
def test_sizes_of_errors_that_cannot_be(name, bad):
    document, arrays = opened(learnt().to_bytes())
    array = arrays[name].copy()
    array[1] = bad
    refused(document, arrays | {name: array}, "are not all from 0 to")


@pytest.mark.parametrize("name", KEPT)
def test_kept_arrays_of_other_sizes_and_types(name):
    document, arrays = opened(learnt().to_bytes())
    for array in (arrays[name][:-1], arrays[name][None], np.zeros(4)):
        refused(document, arrays | {name: array}, "of errors for 3 features")
    refused(document, arrays | {name: arrays[name].astype(np.float32)}, "no array of float64")
    refused(document, {k: v for k, v in arrays.items() if k != name}, "it has")
    refused(document, arrays | {"kept.more": np.zeros(3)}, "it has")
    kept = {name.removeprefix("kept."): [1, 2, 3]}
    rest = {k: v for k, v in arrays.items() if k != name}
    refused(document | {"kept": kept}, rest, "no array of float64")


def test_counts_that_are_no_counts():
    document, arrays = opened(learnt(memory=50).to_bytes())
    for bad, match in ((1.5, "not whole"), (52.0, "from 0 to 51")):
        counts = np.array([bad, 1.0, 1.0])
        refused(document, arrays | {"kept.counts": counts}, match)


# --- inside River


def test_the_sample_learnt_last_has_the_score_it_had_before():
    model = learnt(100)
    for x in noisy_wave(30, seed=1):
        before = model.score_one(x)
        model.learn_one(x)
        assert model.score_one(x) == before
        assert model.score_one(dict(x)) != before  # it would be the next sample
        x["pulse"] = 5.0  # now it is another one
        assert model.score_one(x) == model.score_one(dict(x))


def pulses(length):
    """A stream that never repeats a sample, with a pulse that is wrong at times."""
    rng = np.random.default_rng(2)
    for t in range(length):
        is_wrong = t > 1000 and t % 97 == 0
        pulse = float(t % 4 == 0) + 3.0 * is_wrong
        yield {"pulse": pulse, "wave": math.sin(t / 6) + 0.05 * rng.normal()}, t, is_wrong


@pytest.mark.parametrize("protect", [True, False])
def test_a_quantile_filter_in_a_pipeline(protect):
    detecting = anomaly.QuantileFilter(detector(), q=0.99, protect_anomaly_detector=protect)
    model = preprocessing.StandardScaler() | detecting | RNNRegressor(**SMALL)
    passed_on = {True: 0, False: 0}  # by whether it was wrong
    for x, t, is_wrong in pulses(2500):
        before = model["RNNRegressor"].counters["samples"]
        model.predict_one(x)
        model.learn_one(x, float(t % 4 == 3))
        passed_on[is_wrong] += model["RNNRegressor"].counters["samples"] - before
    seen = detecting.anomaly_detector.counters["samples"]
    if protect:
        # The filter decides twice, before and after its quantile has moved.
        assert abs(seen - sum(passed_on.values())) <= 5
        assert passed_on[False] > 2000
    else:
        assert seen == 2500
        assert passed_on[True] == 0
        assert passed_on[False] > 2400


def test_a_threshold_filter_flags_what_is_wrong_and_little_else():
    detecting = anomaly.ThresholdFilter(detector(lr=0.005), threshold=0.87)
    flagged = []
    for x, _, is_wrong in pulses(2500):
        detecting.learn_one(x)
        flagged.append((is_wrong, detecting.classify(detecting.score_one(x))))
    flagged = np.array(flagged[1001:])
    assert flagged[flagged[:, 0], 1].all()
    assert flagged[~flagged[:, 0], 1].mean() < 0.01


def test_a_protected_detector_never_learns_a_change_for_good_but_an_unprotected_one_does():
    """As the docstring says: what is not learnt stays surprising under a fixed threshold."""
    protected = anomaly.ThresholdFilter(detector(), threshold=0.95)
    open_one = anomaly.QuantileFilter(detector(), q=0.99, protect_anomaly_detector=False)
    rng = np.random.default_rng(3)
    late = {}
    for t in range(1500):
        x = {"level": rng.normal() + 100.0 * (t > 500)}
        for filtering in (protected, open_one):
            filtering.learn_one(x)
            late[filtering] = late.get(filtering, 0) + (
                t >= 1200 and filtering.classify(filtering.score_one(x))
            )
    assert late[protected] == 300
    assert late[open_one] < 15
    assert open_one.anomaly_detector.counters["samples"] == 1500


# --- arguments and what users do wrong


@pytest.mark.parametrize(
    ("x", "match"),
    [
        ({"pulse": 1.0, "name": "cat"}, "feature 'name' is 'cat', a str, not a number"),
        ({"pulse": "1.0"}, "feature 'pulse' is '1.0', a str, not a number"),
        ({"pulse": 1.0, "at": datetime(2020, 1, 1)}, "feature 'at' is datetime"),
        ({"wave": [1.0]}, r"feature 'wave' is \[1.0\], a list"),
        (None, "a sample must be a dict of features by name, got None"),
        (3.0, "a sample must be a dict of features by name, got 3.0"),
    ],
)
def test_what_is_no_sample_is_refused_and_changes_nothing(x, match):
    model = learnt()
    before = pickle.dumps(model)
    with pytest.raises(TypeError, match=match):
        model.learn_one(x)
    if not isinstance(x, dict) or x.keys() <= {"pulse", "wave"}:
        with pytest.raises(TypeError, match=match):
            model.score_one(x)
    assert pickle.dumps(model) == before
    # What was written of the sample before it was refused is gone.
    follows = next(noisy_wave(1))
    assert model.score_one(follows) == learnt().score_one(follows)


@pytest.mark.parametrize("memory", [0, -5, 1.5, "100", True, None, 10**13])
def test_memory_is_checked(memory):
    with pytest.raises((TypeError, ValueError), match="memory must be"):
        detector(memory=memory)


def test_the_least_memory_there_is():
    assert all(0 <= score <= 0.5 for score in scores(detector(memory=1), noisy_wave(50)))


def test_features_are_bounded():
    model = detector(max_features=2)
    with pytest.warns(UserWarning, match="feature 'c' is passed over: max_features=2 is reached"):
        model.learn_one({"c": 3.0, "a": 1.0, "b": 2.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for t in range(50):
            model.learn_one({f"x{t}": 1.0, "a": float(t)})
    assert model.feature_names == ["a", "b"]
    assert model._surprise.sizes.shape == (2,)
    again = streamrnn.from_bytes(model.to_bytes())
    assert again.feature_names == ["a", "b"]


def test_a_stream_without_any_feature():
    model = detector()
    assert scores(model, [{} for _ in range(5)]) == [0.0] * 5
    assert streamrnn.from_bytes(model.to_bytes()).counters["samples"] == 5
    assert all(0 <= score < 1 for score in scores(model, noisy_wave(30)))


def test_counters_and_state():
    model = learnt(40)
    assert model.counters["samples"] == model.counters["updates"] == 40
    assert "missing_values" not in model.counters
    sizes = model._surprise.sizes.copy()
    x = next(noisy_wave(1))
    before = model.score_one(x)
    model.reset_state()
    assert not model._model.parts.state.any()
    assert (model._surprise.sizes == sizes).all()
    assert model.score_one(x) != before


def test_inputs_are_the_features_of_the_sample_before():
    weights = learnt().get_weights()
    assert weights["weight_ih_l0"].shape == (4 * SMALL["hidden_size"], 3)
    assert weights["head.weight"].shape == (3, SMALL["hidden_size"])


def test_without_scaling_features_are_in_their_own_units():
    found = scores(detector(scale_inputs=False), ({"a": float(t % 4)} for t in range(50)))
    assert found != scores(detector(), ({"a": float(t % 4)} for t in range(50)))
    assert detector(scale_inputs=False)._model.blueprint.settings.scale_target == 0.0
    assert detector()._model.blueprint.settings.scale_target == 1.0


# --- to PyTorch and ONNX


def lag_and_prediction(model):
    """Return the network's only input now, and what it predicts from it."""
    newest = (model.counters["samples"] - 1) % SMALL["truncation"]
    lag = np.nan_to_num(model._model.parts.targets[newest, :-1])
    model._outputs.put({}, model._model.goal)
    model._model.run_one(False)
    return lag[None], model._model.answer.copy()


def test_as_a_module_of_pytorch_it_predicts_the_next_sample():
    torch = pytest.importorskip("torch")
    model = learnt(60)
    lag, expected = lag_and_prediction(model)
    module = model.to_torch()
    found, _ = module(torch.zeros(1, 0), module.carried_state(), torch.tensor(lag))
    np.testing.assert_allclose(found[0].detach(), expected, rtol=1e-5)
    assert (module.feature_names, module.labels) == ([], model.feature_names)


def test_as_an_onnx_file_it_predicts_the_next_sample(tmp_path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    import json

    model = learnt(60)
    lag, expected = lag_and_prediction(model)
    path = str(tmp_path / "model.onnx")
    model.to_onnx(path)
    session = runtime.InferenceSession(path)
    told = session.get_modelmeta().custom_metadata_map
    state = {name: np.float32(value) for name, value in json.loads(told["state"]).items()}
    (found,) = session.run(["prediction"], {"x": np.zeros((1, 0)), "lag": lag, **state})
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)
    assert json.loads(told["targets"]) == model.feature_names


def test_a_model_that_has_seen_nothing_cannot_travel():
    pytest.importorskip("torch")
    with pytest.raises(ValueError, match="the model has no input yet"):
        detector().to_torch()
