"""Files of earlier days can still be read, and the models in them go on as they would have then."""

import json

import golden_models as golden
import numpy as np
import pytest

import streamrnn
from streamrnn import storage


@pytest.mark.parametrize("name", golden.CASES)
def test_what_was_saved_once_can_be_read(name):
    model_path, answers_path = golden.paths(name)
    model = streamrnn.load(model_path)
    fresh = golden.CASES[name].make()
    assert type(model) is type(fresh)
    assert repr(model.clone()) == repr(fresh)
    expected = json.loads(answers_path.read_text())
    got = golden.run(model, name, 20, 30)
    assert got["words"] == expected["words"]
    # Not bit for bit: other processors sum up in another order.
    np.testing.assert_allclose(got["numbers"], expected["numbers"], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", golden.CASES)
def test_the_numbers_are_those_in_the_file(name):
    model_path, _ = golden.paths(name)
    with storage.opened(model_path) as parcel:
        kept = parcel.arrays()
    again = storage.unpack(streamrnn.load(model_path).to_bytes()).arrays()
    assert set(again) == set(kept)
    for part, array in kept.items():
        assert again[part].tobytes() == array.tobytes() or part == "keys"


def test_every_golden_file_has_its_test():
    there = {path.name for path in golden.FOLDER.iterdir()}
    assert there == {path.name for name in golden.CASES for path in golden.paths(name)}
