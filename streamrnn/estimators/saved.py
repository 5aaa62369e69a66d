"""What a single recurrent estimator is as a file: an outline, an arena, statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

from streamrnn.blueprint import Blueprint
from streamrnn.estimators.outline import (
    decoded_state,
    described,
    is_kept,
    only,
    outlined,
)
from streamrnn.estimators.persistence import Arrays, Storable
from streamrnn.estimators.plain import Decoder, encode
from streamrnn.layout import Sizes, common_size, own_size
from streamrnn.model import Model
from streamrnn.running import halves
from streamrnn.soundness import check_codes, check_counters
from streamrnn.statistics import statistics_size
from streamrnn.storage import FormatError, Parcel, Spec, spec_of


class SavedEstimator(Storable):
    """How the recurrent estimators are saved and loaded."""

    _model: Any

    def _contents(self) -> tuple[dict[str, Any], Arrays]:
        with self._model.lock:
            document, arrays = described(self)
            document["model"], numbers = packed_model(self._model)
            return document, arrays | numbers

    @classmethod
    def _restored(cls, document: dict[str, Any], parcel: Parcel, decoder: Decoder) -> Any:
        plain = document.pop("model", None)
        estimator, blueprint, sizes, kept = outlined(cls, document, decoder)
        check_specs(parcel, specs_of_model(sizes, blueprint.dtype))
        arrays = parcel.arrays()
        estimator._model = restored_model(plain, arrays, blueprint, sizes, decoder)
        estimator._restore_state(decoded_state(kept, arrays, decoder))
        return estimator


def packed_model(model: Model, prefix: str = "") -> tuple[dict[str, Any], Arrays]:
    """Return what is plain of a model, as JSON, and copies of its arrays.

    Parameters
    ----------
    model
        The model; what its blueprint tells is left out.
    prefix
        What stands before the names of the arrays.
    """
    state = model.__getstate__()
    arrays = {prefix + name: state[name].copy() for name in ("arena", "statistics")}
    return packed_plain(state), arrays


def packed_plain(state: dict[str, Any]) -> dict[str, Any]:
    """Return the plain attributes within a model's state, as JSON."""
    return {name: encode(state[name], name) for name in Model.PLAIN}


def restored_plain(written: Any, decoder: Decoder) -> dict[str, Any]:
    """Return what `packed_plain` told of; ValueError if there is more or less."""
    parts = zip(Model.PLAIN, only(written, *Model.PLAIN), strict=True)
    return {name: decoder.decode(part, name) for name, part in parts}


def specs_of_model(sizes: Sizes, dtype: str, prefix: str = "") -> dict[str, Spec]:
    """Return what the arrays of `packed_model` must be."""
    return {
        f"{prefix}arena": spec_of(dtype, common_size(sizes) + own_size(sizes)),
        f"{prefix}statistics": spec_of("float64", statistics_size(sizes)),
    }


def restored_model(
    plain: Any,
    arrays: Arrays,
    blueprint: Blueprint,
    sizes: Sizes,
    decoder: Decoder,
    prefix: str = "",
) -> Model:
    """Return the model of `packed_model`, whose arrays have the right specs.

    Raises
    ------
    ValueError
        If its numbers cannot be worked with.
    """
    state = restored_plain(plain, decoder)
    arena, statistics = arrays[f"{prefix}arena"], arrays[f"{prefix}statistics"]
    check_numbers(blueprint, sizes, halves(sizes, arena)[1][None], statistics[None])
    model = Model.__new__(Model)
    model.__setstate__(
        state
        | {"blueprint": blueprint, "sizes": sizes}
        | {"arena": arena, "statistics": statistics}
    )
    return model


def check_numbers(
    blueprint: Blueprint, sizes: Sizes, own: np.ndarray, statistics: np.ndarray
) -> None:
    """Raise ValueError unless compiled code can go by the numbers of models, a row for each."""
    check_counters(sizes, statistics)
    check_codes(blueprint, sizes, own)


def check_specs(parcel: Parcel, expected: dict[str, Spec]) -> None:
    """Raise FormatError unless a file has exactly these arrays, apart from what a class keeps."""
    given = {name: spec for name, spec in parcel.specs.items() if not is_kept(name)}
    for name in [*expected, *given]:
        if given.get(name) != expected.get(name):
            raise FormatError(
                f"was tampered with: array {name!r} is {_said(given.get(name))}, where the "
                f"arguments ask for {_said(expected.get(name))}"
            )


def _said(spec: Spec | None) -> str:
    return "none" if spec is None else f"{spec.dtype} {list(spec.shape)}"
