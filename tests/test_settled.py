"""Arguments of a model that is made cannot be changed, which it would not follow."""

import numpy as np
import pytest
from estimator_helpers import SMALL
from family import FAMILY

import streamrnn
from streamrnn import KeyedModel, RNNForecaster, RNNRegressor


@pytest.mark.parametrize("name", FAMILY)
def test_arguments_cannot_be_changed(name):
    model = FAMILY[name].make()
    before = model.to_bytes()
    for argument in ("max_keys",) if "keyed" in name else ("lr", "hidden_size", "seed"):
        with pytest.raises(AttributeError, match=rf"{argument} cannot be changed.*clone\(\{{"):
            setattr(model, argument, 3)
    model.note = "of the user"
    assert model.to_bytes() == before


@pytest.mark.parametrize("name", ["scale_inputs", "scale_target", "lagged_target"])
@pytest.mark.parametrize("value", [None, 1, "yes"])
def test_switches_are_true_or_false(name, value):
    with pytest.raises(TypeError, match=f"{name} must be True or False, got {value!r}"):
        RNNRegressor(**SMALL, **{name: value})
    assert RNNRegressor(**SMALL, **{name: np.True_})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: streamrnn.load(b"123"), "path must name a file, got a bytes; for bytes: from_"),
        (lambda: streamrnn.from_bytes("x.st"), "data must be bytes, got a str; for a file: load"),
        (
            lambda: RNNRegressor.from_bytes(
                RNNRegressor(**SMALL).to_bytes(), plugins=RNNForecaster
            ),
            "plugins must be a list of",
        ),
        (lambda: KeyedModel(RNNForecaster(**SMALL), key="k"), "got a RNNForecaster; a pipeline"),
        (lambda: KeyedModel(RNNRegressor, key="k"), "got the class RNNRegressor; a pipeline"),
        (lambda: RNNRegressor(**SMALL).predict_many(np.zeros((2, 2))), "X must be a data frame"),
        (lambda: RNNRegressor(**SMALL).learn_one({}, "up"), "labels are for a classifier"),
        (
            lambda: RNNRegressor(**SMALL).learn_one({"at": np.datetime64("2020-01-01")}, 1),
            "feature 'at' is .*, not a number; give what matters of it as numbers, such as",
        ),
    ],
)
def test_wrong_types_are_told_in_one_line(wrong, said):
    with pytest.raises(TypeError, match=said) as error:
        wrong()
    assert "\n" not in str(error.value)


def test_a_missing_folder_is_told_by_the_users_own_path(tmp_path):
    path = tmp_path / "none" / "model"
    with pytest.raises(FileNotFoundError) as error:
        RNNRegressor(**SMALL).save(path)
    assert error.value.filename == str(path)
