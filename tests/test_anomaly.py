"""The anomaly detector: River's contract, copies, filters, mistakes, and that it travels."""

import copy
import math
import pickle
import warnings
from datetime import datetime
from unittest import mock

import numpy as np
import pytest
from anomaly_helpers import SCORES, detector, learnt, noisy_wave, scores, sine
from estimator_helpers import SMALL, model_bytes
from river import anomaly, checks, datasets, preprocessing
from river.checks import anomaly as anomaly_checks
from test_persistence_hostile import opened, refused
from travel_helpers import frozen

import streamrnn
from streamrnn import RNNRegressor
from streamrnn.storage import pack


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
@pytest.mark.parametrize("score", SCORES)
def test_copies_go_on_bit_equal(duplicate, at, score):
    samples = list(noisy_wave(60))
    model = detector(memory=15, score=score)
    scores(model, samples[:at])
    other = duplicate(model)
    assert scores(model, samples[at:]) == scores(other, samples[at:])
    assert model.to_bytes() == other.to_bytes()
    assert model.feature_names == other.feature_names == ["pulse", "wave", "late"]


def test_seeds():
    found = [scores(detector(seed=seed), noisy_wave(60)) for seed in (1, 1, 2)]
    assert found[0] == found[1] != found[2]


KEPT = ("kept.counts", "kept.sizes", "kept.variances", "kept.tail", "kept.held")
OF_FEATURES = KEPT[:3]


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("bad", [-1.0, math.nan, math.inf, 1e250])
def test_sizes_of_errors_that_cannot_be(name, bad):
    document, arrays = opened(learnt().to_bytes())
    array = arrays[name].copy()
    array[1] = bad
    refused(document, arrays | {name: array}, "are not all from 0 to")


@pytest.mark.parametrize("name", OF_FEATURES)
def test_kept_arrays_of_other_sizes_and_types(name):
    document, arrays = opened(learnt().to_bytes())
    for array in (arrays[name][:-1], arrays[name][None], np.zeros(4)):
        refused(document, arrays | {name: array}, r"there are .*, not \(3,\)")
    refused(document, arrays | {name: arrays[name].astype(np.float32)}, "no array of float64")
    refused(document, {k: v for k, v in arrays.items() if k != name}, "it has")
    refused(document, arrays | {"kept.more": np.zeros(3)}, "it has")
    kept = {name.removeprefix("kept."): [1, 2, 3]}
    rest = {k: v for k, v in arrays.items() if k != name}
    refused(document | {"kept": kept}, rest, "no array of float64")


def test_means_of_values_that_cannot_be():
    document, arrays = opened(learnt().to_bytes())
    means = arrays["kept.means"].copy()
    for bad in (-1e102, math.nan, math.inf):
        means[0] = bad
        refused(document, arrays | {"kept.means": means}, "the means of values are not all from")


def test_what_one_score_keeps_is_not_what_another_does():
    document, arrays = opened(learnt().to_bytes())
    for score in ("rarity", "error"):
        arguments = document["arguments"] | {"score": score}
        refused(document | {"arguments": arguments}, arrays, "it has")


def test_files_written_before_there_was_a_choice_tell_errors():
    model = learnt(score="error")
    document, arrays = opened(model.to_bytes())
    del document["arguments"]["score"]
    again = streamrnn.from_bytes(pack(document, arrays))
    assert again.score == "error"
    assert scores(again, noisy_wave(30)) == scores(model, noisy_wave(30))


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
    detecting = anomaly.ThresholdFilter(detector(lr=0.005, score="error"), threshold=0.87)
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


def test_the_name_of_the_score_is_checked():
    with pytest.raises(ValueError, match=r"score='lastin' is unknown \(did you mean 'lasting'\?\)"):
        detector(score="lastin")


@pytest.mark.parametrize("memory", [0, -5, 1.5, "100", True, None, 10**13])
def test_memory_is_checked(memory):
    with pytest.raises((TypeError, ValueError), match="memory must be"):
        detector(memory=memory)


def test_the_least_memory_there_is():
    assert all(
        0 <= score <= 0.5 for score in scores(detector(memory=1, score="error"), noisy_wave(50))
    )


def test_features_are_bounded():
    model = detector(max_features=2)
    with pytest.warns(UserWarning, match="feature 'c' is passed over: max_features=2 is reached"):
        model.learn_one({"c": 3.0, "a": 1.0, "b": 2.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for t in range(50):
            model.learn_one({f"x{t}": 1.0, "a": float(t)})
    assert model.feature_names == ["a", "b"]
    assert model._surprise.errors.sizes.shape == (2,)
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
    sizes = model._surprise.errors.sizes.copy()
    x = next(noisy_wave(1))
    before = model.score_one(x)
    model.reset_state()
    assert not model._model.parts.state.any()
    assert (model._surprise.errors.sizes == sizes).all()
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


def prediction(model):
    """Return what the network predicts now."""
    model._outputs.put({}, model._model.goal)
    model._model.run_one(False)
    return model._model.answer.copy()


def test_as_a_module_of_pytorch_it_predicts_the_next_sample():
    torch = pytest.importorskip("torch")
    model = learnt(60)
    module = model.to_torch()
    found, state = module(torch.zeros(1, 0), module.carried_state())
    np.testing.assert_allclose(found[0].detach(), prediction(model), rtol=1e-5)
    last = {name: 2.0 * i for i, name in enumerate(model.feature_names)}
    with frozen(model):
        model.learn_one(last)
    y = torch.tensor([list(last.values())], dtype=torch.float64)
    found, _ = module(torch.zeros(1, 0), state, y)
    np.testing.assert_allclose(found[0].detach(), prediction(model), rtol=1e-5)
    assert (module.feature_names, module.labels) == ([], model.feature_names)


def test_as_an_onnx_file_it_predicts_the_next_sample(tmp_path):
    pytest.importorskip("onnx")
    runtime = pytest.importorskip("onnxruntime")
    import json

    model = learnt(60)
    expected, path = prediction(model), str(tmp_path / "model.onnx")
    model.to_onnx(path)
    session = runtime.InferenceSession(path)
    told = session.get_modelmeta().custom_metadata_map
    state = {name: np.float32(value) for name, value in json.loads(told["state"]).items()}
    y = np.full((1, 3), np.nan)
    (found,) = session.run(["prediction"], {"x": np.zeros((1, 0)), "y": y, **state})
    np.testing.assert_allclose(found[0], expected, rtol=1e-5)
    assert json.loads(told["targets"]) == model.feature_names


def test_a_model_that_has_seen_nothing_cannot_travel():
    pytest.importorskip("torch")
    with pytest.raises(ValueError, match="the model has no input yet"):
        detector().to_torch()
