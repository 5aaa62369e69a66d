"""An estimator without its numbers: to a document and back, checked before memory is taken."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from streamrnn._checks import check_count
from streamrnn.blueprint import Blueprint
from streamrnn.estimators.persistence import Arrays, Storable, class_name
from streamrnn.estimators.plain import Decoder, encode
from streamrnn.estimators.settled import arguments_of
from streamrnn.layout import Sizes
from streamrnn.soundness import check_outputs
from streamrnn.storage import FormatError


def encoded_arguments(estimator: Any, without: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the constructor's arguments for a document; TypeError names one that cannot go in."""
    kind: Any = type(estimator)
    names = [name for name in arguments_of(kind) if name not in without]
    return {name: encode(getattr(estimator, name), name) for name in names}


def decoded_arguments(
    kind: type[Storable], written: Any, decoder: Decoder, without: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return the constructor's arguments; what a file does not have yet takes its default.

    Where that would change what a model does, it is as it was `_before`.

    Raises
    ------
    FormatError
        If there are others than the class has.
    """
    if not isinstance(written, dict):
        raise FormatError(f"has no arguments of a {kind.__name__}")
    known = {name: one for name, one in arguments_of(kind).items() if name not in without}
    unknown = [name for name in written if name not in known]
    if unknown:
        raise FormatError(
            f"has arguments {unknown}, which {kind.__name__} does not know: install a newer "
            "streamrnn"
        )
    arguments = {}
    for name, parameter in known.items():
        if name in written:
            arguments[name] = decoder.decode(written[name], f"the argument {name}")
        elif parameter.default is parameter.empty:
            raise FormatError(f"lacks the argument {name} of {kind.__name__}")
        else:
            arguments[name] = kind._before.get(name, parameter.default)
    return arguments


#: What stands before the names of arrays that a class keeps.
_KEPT = "kept."


def encoded_state(estimator: Storable) -> tuple[dict[str, Any], Arrays]:
    """Return what a class keeps for a document, and the arrays among it."""
    kept = estimator._kept_state()
    arrays = {name: part.copy() for name, part in kept.items() if isinstance(part, np.ndarray)}
    plain = {name: part for name, part in kept.items() if name not in arrays}
    arrays = {_KEPT + name: part for name, part in arrays.items()}
    return {name: encode(part, name) for name, part in plain.items()}, arrays


def decoded_state(written: Any, arrays: Arrays, decoder: Decoder) -> dict[str, Any]:
    """Return what a class kept, from a document and from all arrays of the file."""
    kept = {name: decoder.decode(part, name) for name, part in written.items()}
    own = {name: part for name, part in arrays.items() if name.startswith(_KEPT)}
    return kept | {name.removeprefix(_KEPT): part.copy() for name, part in own.items()}


def is_kept(name: str) -> bool:
    """Say whether an array is one that a class keeps beside its model."""
    return name.startswith(_KEPT)


def only(fields: Mapping[str, Any], *names: str) -> list[Any]:
    """Return the fields of these names; ValueError if there are others, or some are missing."""
    if set(fields) != set(names):
        raise ValueError(f"it has {sorted(fields)}, not {sorted(names)}")
    return [fields[name] for name in names]


def count(value: Any, what: str) -> int:
    """Return a number of things; ValueError if it is none."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{what} cannot be {value!r}")
    return value


class Outline(NamedTuple):
    """An estimator whose model has still to be made, and of what."""

    estimator: Any
    blueprint: Blueprint
    sizes: Sizes
    kept: Any  # what its class keeps, as it is in the document


#: What a document has.
_FIELDS = (
    "class",
    "arguments",
    "seed",
    "n_inputs",
    "n_outputs",
    "features",
    "ignored",
    "outputs",
    "kept",
)


def described(estimator: Any) -> tuple[dict[str, Any], Arrays]:
    """Return an estimator's document, all but its numbers, and the arrays that its class keeps."""
    model, features = estimator._model, estimator._features
    arguments = encoded_arguments(estimator)  # first: messages are to name an argument
    kept, arrays = encoded_state(estimator)
    document = {
        "class": class_name(type(estimator)),
        "arguments": arguments,
        "seed": encode(model.blueprint.seed, "seed"),
        "n_inputs": model.sizes.n_inputs,
        "n_outputs": model.sizes.n_outputs,
        "features": encode(features.names, "the features"),
        "ignored": encode(features.ignored, "the ignored features"),
        "outputs": encode(estimator._outputs.names, f"the {estimator._outputs.word}s"),
        "kept": kept,
    }
    return document, arrays


def outlined(kind: Any, document: Any, decoder: Decoder) -> Outline:
    """Return the estimator that `described` told of; no memory is taken for its model.

    Raises
    ------
    ValueError, TypeError
        If there can be no such estimator.
    """
    told = only(document, *_FIELDS)
    _, written, seed, n_inputs, n_outputs, features, ignored, outputs, kept = told
    estimator = kind.__new__(kind)
    estimator._keep_arguments(decoded_arguments(kind, written, decoder))
    estimator._prepare()
    blueprint = estimator._blueprint(_seed(decoder.decode(seed, "seed")))
    sizes = blueprint.sized(count(n_inputs, "n_inputs"), count(n_outputs, "n_outputs"))
    check_outputs(blueprint, sizes)
    names = _distinct(decoder.decode(features, "the features"), n_inputs)
    estimator._features.restore(names, decoder.decode(ignored, "the ignored features"))
    _add_outputs(estimator, blueprint, decoder.decode(outputs, "the outputs"), sizes)
    return Outline(estimator, blueprint, sizes, kept)


def _distinct(names: Any, most: int) -> list[Any]:
    """Check names: no two of them alike, and not too many."""
    if not isinstance(names, list) or len(set(names)) != len(names) or len(names) > most:
        raise ValueError(f"{reprlib.repr(names)} are not up to {most} names")
    return names


def _seed(seed: Any) -> int:
    """Check the seed that was drawn: None would draw another."""
    check_count("seed", seed, 0)
    return int(seed)


def _add_outputs(estimator: Any, blueprint: Blueprint, names: Any, sizes: Sizes) -> None:
    """Give the outputs their names, if there are as many outputs as the names ask for."""
    most = estimator._outputs.limit.most
    estimator._outputs.add(_distinct(names, len(names) if most is None else most))
    if blueprint.plugins.loss.n_outputs(estimator._outputs.n_targets) != sizes.n_outputs:
        raise ValueError(f"{reprlib.repr(names)} are no names of {sizes.n_outputs} outputs")
