"""Files that somebody made to do harm: whatever is in them, a clear error or a sound model."""

import json
import random
import resource
import struct

import numpy as np
import pytest
from test_persistence import learnt
from test_persistence_keyed import keyed
from test_persistence_keyed import run as run_keyed

import streamrnn
from streamrnn import FormatError, RNNClassifier
from streamrnn.statistics import COUNTERS
from streamrnn.storage import pack, unpack

POSITION, FILLED = COUNTERS.index("position"), COUNTERS.index("filled")


def opened(data):
    parcel = unpack(data)
    return parcel.document, {name: array.copy() for name, array in parcel.arrays().items()}


def refused(document, arrays, match):
    """Seal it as a good file would be, with the right digests, and see that it is refused."""
    with pytest.raises(FormatError, match=match) as error:
        streamrnn.from_bytes(pack(document, arrays))
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def saved():
    return {
        "regressor": learnt("regressor").to_bytes(),
        "classifier": learnt("classifier").to_bytes(),
        "keyed": many(max_keys=2, ttl=20),
        "shared": many(weights="shared", max_keys=2),
        "keyed classifier": many(RNNClassifier, max_keys=2),
    }


def many(*arguments, **limits):
    model = keyed(*arguments, **limits)
    run_keyed(model, 0, 40)
    return model.to_bytes()


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"arguments": {"hidden_size": 10**12}}, "array 'arena' is F32"),
        ({"arguments": {"hidden_size": 2**70}}, "array 'arena' is F32"),
        ({"arguments": {"truncation": 10**12}}, "array 'arena' is F32"),
        ({"arguments": {"num_layers": 10**12}}, "array 'arena' is F32"),
        ({"arguments": {"hidden_size": -4}}, "hidden_size must be at least 1"),
        ({"arguments": {"hidden_size": "4"}}, "hidden_size must be an integer"),
        ({"arguments": {"hidden_size": {"float": "7ff0000000000000"}}}, "must be an integer"),
        ({"arguments": {"dtype": "float64"}}, "array 'arena' is F32.*ask for F64"),
        ({"arguments": {"dtype": "object"}}, "dtype='object' is unknown"),
        ({"arguments": {"dtype": [{"tuple": ["a", "<m8[s/0]"]}]}}, "dtype=.* is unknown"),
        ({"arguments": {"dtype": None}}, "dtype=None is unknown"),
        ({"arguments": {"cell": "gru"}}, "array 'arena' is F32"),
        ({"arguments": {"cell": "nobody"}}, "cell='nobody' is unknown"),
        ({"arguments": {"cell": {"plugin": ["loss", "squared", {"dict": []}]}}}, "cell must be"),
        ({"arguments": {"loss": "cross_entropy"}}, "loss='cross_entropy' is for classification"),
        ({"arguments": {"lr": {"dict": []}}}, "could be"),
        ({"arguments": {"lr": -1.0}}, "lr must be"),
        ({"arguments": {"evil": 1}}, r"has arguments \['evil'\], which RNNRegressor does not know"),
        ({"arguments": None}, "no arguments of a RNNRegressor"),
        ({"n_inputs": -1}, "n_inputs cannot be -1"),
        ({"n_inputs": 10**12}, "array 'arena' is F32"),
        ({"n_inputs": 1.0}, "n_inputs cannot be 1.0"),
        ({"n_inputs": True}, "n_inputs cannot be True"),
        ({"n_inputs": 2}, "are not up to 2 names"),
        ({"n_outputs": 0}, "no names of 0 outputs"),
        ({"n_outputs": 10**9}, "no names of 1000000000 outputs"),
        ({"features": ["a", "a", 3, "late"]}, "are not up to 4 names"),
        ({"features": [f"x{i}" for i in range(5000)]}, "are not up to 4 names"),
        ({"features": {"dict": []}}, "are not up to 4 names"),
        ({"features": [["unhashable"]]}, "RNNRegressor that could be"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"seed": None}, "seed must be an integer"),
        ({"kept": {"labels": []}}, r"it has \['events', 'labels', 'watch'\]"),
        ({"kept": None}, "could be"),
        ({"model": {"run": "evil"}}, r"it has \['rate_factor', 'run'\]"),
        ({"model": None}, "could be"),
        ({"more": 1}, "it has"),
        ({"class": "streamrnn.RNNClassifier"}, "has arguments"),
        ({"class": "streamrnn.RecurrentEstimator"}, "could be|does not know|lacks"),
        ({"class": "streamrnn.Storable"}, "which is no class of streamrnn"),
        ({"class": "os.system"}, "which is no class of streamrnn"),
        ({"class": None}, "holds a None"),
        ({"class": ["x"] * 10**6}, "which is no class"),
    ],
)
def test_descriptions_that_cannot_be(saved, change, match):
    document, arrays = opened(saved["regressor"])
    for name, value in change.items():
        both = isinstance(value, dict) and isinstance(document.get(name), dict) and value
        document[name] = document[name] | value if both else value
    refused(document, arrays, match)


def test_a_huge_model_is_refused_without_its_memory(saved):
    document, arrays = opened(saved["regressor"])
    document["arguments"]["hidden_size"] = 30_000  # tens of gigabytes
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(document, arrays, "array 'arena'")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000  # kB


@pytest.mark.parametrize("name", [name for name in streamrnn.__all__ if name.startswith("RNN")])
@pytest.mark.parametrize("size", ["hidden_size", "num_layers", "truncation"])
def test_no_estimator_takes_memory_for_sizes_that_are_only_claimed(name, size):
    document, arrays = opened(getattr(streamrnn, name)(hidden_size=4, truncation=4).to_bytes())
    document["arguments"][size] = 10**7
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused(document, arrays, "array 'arena'")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # kB


@pytest.mark.parametrize("missing", ["class", "arguments", "seed", "features", "kept", "model"])
def test_what_is_missing_is_noticed(saved, missing):
    document, arrays = opened(saved["regressor"])
    del document[missing]
    refused(document, arrays, "holds")


def test_an_argument_that_came_later_takes_its_default(saved):
    document, arrays = opened(saved["regressor"])
    del document["arguments"]["l2"]
    assert streamrnn.from_bytes(pack(document, arrays)).l2 == 0.0


@pytest.mark.parametrize("name", ["arena", "statistics"])
def test_arrays_of_other_sizes_and_types(saved, name):
    document, arrays = opened(saved["regressor"])
    good = arrays[name]
    other = np.float64 if good.dtype == np.float32 else np.float32
    for array in (good[:-1], np.append(good, 0), good.astype(other), good[None], good[:0]):
        refused(document, arrays | {name: array.astype(array.dtype)}, f"array '{name}' is")
    refused(document, arrays | {"more": good}, "array 'more' is .* ask for none")
    del arrays[name]
    refused(document, arrays, f"array '{name}' is none")


BAD_COUNTS = [-1.0, 0.5, np.nan, np.inf, -np.inf, 1e300]


@pytest.mark.parametrize("counter", range(len(COUNTERS)))
def test_counters_that_compiled_code_would_go_by(saved, counter):
    document, arrays = opened(saved["regressor"])
    beyond = {POSITION: [4.0, 1e9], FILLED: [5.0, 1e9]}
    for value in BAD_COUNTS + beyond.get(counter, []):
        statistics = arrays["statistics"].copy()
        statistics[counter] = value
        refused(document, arrays | {"statistics": statistics}, COUNTERS[counter])


def ring_of(model):
    return model._model.parts.targets


@pytest.mark.parametrize("code", [4.0, -1.0, 0.5, 1e9, np.nan, np.inf])
def test_labels_in_the_ring_that_no_output_has(code):
    model = learnt("classifier")
    ring_of(model)[0] = code, 1
    with pytest.raises(FormatError, match="none of 4 labels"):
        streamrnn.from_bytes(model.to_bytes())


def test_a_mark_in_the_ring_that_is_no_number():
    model = learnt("classifier")
    ring_of(model)[0] = 1e9, np.nan
    with pytest.raises(FormatError, match="none of 4 labels"):
        streamrnn.from_bytes(model.to_bytes())


def test_labels_that_do_not_go_with_the_outputs(saved):
    document, arrays = opened(saved["classifier"])
    for labels in ([], ["a"], ["a"] * 4, [1, True, 2, 3], list("abcde"), [[1], 2, 3, 4], None):
        refused(document | {"outputs": labels}, arrays, "could be")
    document["n_outputs"] = 5
    refused(document, arrays, "array 'arena'|none of|no names")


def test_a_logistic_model_has_one_output():
    document, arrays = opened(learnt("logistic").to_bytes())
    for n_outputs in (0, 2, 3):
        refused(document | {"n_outputs": n_outputs}, arrays, "outputs|labels were seen")
    refused(document | {"outputs": ["a", "b", "c"]}, arrays, "tells two classes apart")


# --- many keys


def told(arrays):
    return json.loads(arrays["keys"].tobytes())


def telling(document, arrays, **changes):
    text = json.dumps(told(arrays) | changes).encode()
    return document | {"key_bytes": len(text)}, arrays | {"keys": np.frombuffer(text, np.uint8)}


@pytest.mark.parametrize("which", ["keyed", "shared", "keyed classifier"])
def test_rows_that_cannot_be(saved, which):
    document, arrays = opened(saved[which])
    for name in ("fresh", "rows", "spilled.0"):
        statistics = arrays[f"{name}.statistics"]
        for value in BAD_COUNTS:
            bad = statistics.copy()
            bad[..., POSITION] = value
            refused(document, arrays | {f"{name}.statistics": bad}, "counter 'position'")
        refused(document, arrays | {f"{name}.statistics": statistics[..., :-1]}, "array")
    refused(document | {"n_resident": 10**12}, arrays, "array 'rows'")
    refused(document | {"n_resident": -1}, arrays, "n_resident")
    refused(document | {"spilled": [[0, 0, 10**12]]}, arrays, "array 'spilled|outputs")
    refused(document | {"spilled": [[10**12, 1, 1]]}, arrays, "models on disk|outputs")
    refused(document | {"spilled": "x"}, arrays, "could be")
    refused(document | {"spilled": []}, arrays, r"array 'spilled\.0")


def test_labels_in_the_rings_of_many(saved):
    document, arrays = opened(saved["keyed classifier"])
    for name in ("rows", "spilled.0"):
        rows = arrays[name].copy()
        model = streamrnn.from_bytes(saved["keyed classifier"])
        ring = model._bank.parts.targets
        start = (ring.ctypes.data - model._bank.arena.ctypes.data) // rows.itemsize
        if name == "spilled.0" and document["spilled"][0][0] != model._bank.sizes.n_inputs:
            continue
        rows[-1, start : start + 2] = 1e9, 1
        refused(document, arrays | {name: rows}, "none of")


def test_counters_of_shared_weights(saved):
    document, arrays = opened(saved["shared"])
    for value in BAD_COUNTS:
        bad = arrays["shared.counters"].copy()
        bad[1] = value
        refused(document, arrays | {"shared.counters": bad}, "updates")


def test_keys_that_cannot_be(saved):
    document, arrays = opened(saved["keyed"])
    good = told(arrays)
    resident, spilled = good["resident"], good["spilled"]
    assert len(resident) == 2
    assert spilled
    for changes in (
        {"resident": resident[:1]},
        {"resident": [resident[0]] * 2},
        {"resident": [resident[0], spilled[0]]},
        {"resident": [resident[0], None]},
        {"resident": [resident[0], [1]]},
        {"resident": 5},
        {"spilled": spilled[:-1]},
        {"groups": [99] * len(spilled)},
        {"groups": [-1] * len(spilled)},
        {"groups": [0] * len(spilled) + [0], "spilled": [*spilled, "new"]},
        {"seen": good["seen"][:-1]},
        {"seen": [good["seen"][0]] * len(good["seen"])},
        {"times": ["late"] * len(good["times"])},
        {"times": [None] * len(good["times"])},
        {"latest": "late"},
        {"samples": -1},
        {"samples": 1.5},
        {"expired": None},
        {"evil": 1},
    ):
        refused(*telling(document, arrays, **changes), "could be|cannot be read")
    for text in (b"", b"[" * 10**5, b"\xff", b"5"):
        keys = np.frombuffer(text, np.uint8)
        refused(document | {"key_bytes": len(text)}, arrays | {"keys": keys}, "could be")
    refused(document | {"key_bytes": 10**15}, arrays, "array 'keys'")


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("weights", "evil"),
        ("weights", "shared"),
        ("key", None),
        ("max_keys", 1),
        ("max_keys", -1),
        ("ttl", None),
        ("ttl", "x"),
        ("spill_dir", 5),
        ("model", 5),
    ],
)
def test_arguments_of_many_that_cannot_be(saved, argument, value):
    document, arrays = opened(saved["keyed"])
    document["arguments"][argument] = value
    refused(document, arrays, "could be|array|does not know")


def test_models_of_many_that_cannot_be(saved):
    document, arrays = opened(saved["keyed"])
    other, _ = opened(saved["classifier"])
    for model in (other, None, {}, {"class": []}, document):
        refused(document | {"model": model}, arrays, "could be|is not made of")
    refused(document | {"class": "streamrnn.KeyedModel"}, arrays, "is not made of")
    refused(document | {"class": "streamrnn.KeyedClassifier"}, arrays, "is not made of")


# --- at random


def mutated(value, rng):
    """Change something somewhere in a JSON value."""
    strange = [None, True, -1, 10**12, 2**70, 0.5, "", "x" * 1000, [], {}, {"tuple": [1]}, [[[]]]]
    if isinstance(value, dict) and value and rng.random() < 0.9:
        name = rng.choice(list(value))
        if rng.random() < 0.1:
            return {one: part for one, part in value.items() if one != name}
        return value | {name: mutated(value[name], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        i = rng.randrange(len(value))
        return [*value[:i], mutated(value[i], rng), *value[i + 1 :]]
    if type(value) is int and rng.random() < 0.5:
        return value + rng.choice([-1, 1, 7])
    return rng.choice(strange)


@pytest.mark.filterwarnings("ignore:spill_dir")
@pytest.mark.parametrize("which", ["regressor", "classifier", "keyed", "shared"])
def test_random_changes_give_an_error_or_a_model_that_works(saved, which):
    rng = random.Random(which)
    document, arrays = opened(saved[which])
    kept = 0
    for _ in range(400):
        changed = dict(arrays)
        wrong = document
        for _ in range(rng.choice([1, 1, 2])):
            if rng.random() < 0.7:
                wrong = mutated(wrong, rng)
            else:
                name = rng.choice(list(changed))
                changed[name] = scribbled(changed[name], rng)
        if not isinstance(wrong, dict):
            continue
        try:
            with np.errstate(all="ignore"):
                model = streamrnn.from_bytes(pack(wrong, changed))
        except FormatError:
            continue
        kept += 1
        x = {"a": 0.5, "site": 1, "id": 3, "late": 1.0}
        y = 0.5 if "regressor" in type(model).__name__.lower() else "low"
        try:
            for _ in range(6):
                model.predict_one(x)
                model.learn_one(x, y)
        except (TypeError, ValueError, KeyError, AttributeError):
            pass  # a file may say what no constructor would take; the process goes on
    assert 0 < kept < 400


def scribbled(array, rng):
    """Write random bytes to an array, or cut it."""
    if not array.size or rng.random() < 0.2:
        return array[: rng.randrange(len(array) + 1)]
    data = bytearray(array.tobytes())
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(data) // 8 + 1) * 8
        value = rng.choice([np.nan, np.inf, -1.0, 1e300, 0.5, float(rng.randrange(10**9))])
        data[at : at + 8] = struct.pack("<d", value)[: max(0, len(data) - at)]
    return np.frombuffer(bytes(data), array.dtype).reshape(array.shape)


def test_random_damage_is_always_noticed(saved):
    rng = random.Random(1)
    for data in saved.values():
        for _ in range(150):
            damaged = bytearray(data)
            if rng.random() < 0.5:
                damaged = damaged[: rng.randrange(len(data))]
            else:
                damaged[rng.randrange(len(data))] ^= rng.randrange(1, 256)
            with pytest.raises(FormatError):
                streamrnn.from_bytes(damaged)
