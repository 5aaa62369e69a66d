"""What a `KeyedModel` is as a file: an outline, a new model, and a row for each key."""

from __future__ import annotations

import json
import os
import warnings
from typing import Any, NamedTuple

import numpy as np
from river import base

from streamrnn._checks import check_choice
from streamrnn.bank import GUEST, Bank
from streamrnn.blueprint import Blueprint
from streamrnn.estimators.keys import check_arguments, checked_keys, checked_times
from streamrnn.estimators.outline import (
    Outline,
    count,
    decoded_arguments,
    decoded_state,
    described,
    encoded_arguments,
    only,
    outlined,
)
from streamrnn.estimators.persistence import Arrays, Storable, class_name, own_class
from streamrnn.estimators.plain import Decoder, encode
from streamrnn.estimators.saved import (
    check_numbers,
    check_specs,
    packed_model,
    packed_plain,
    restored_model,
    restored_plain,
    specs_of_model,
)
from streamrnn.fleet import Fleet, check_shareable
from streamrnn.layout import Sizes, common_size, own_size
from streamrnn.soundness import check_counters, check_outputs
from streamrnn.statistics import COUNTERS, statistics_size
from streamrnn.storage import Parcel, Spec, spec_of

#: How the models of keys are kept, by what `KeyedModel` calls ``weights``.
BANKS: dict[str, type[Bank]] = {"own": Bank, "shared": Fleet}


class SavedKeys(Storable):
    """How the models of many keys are saved and loaded."""

    _bank: Any
    _population: Any
    _estimator: Any

    def _contents(self) -> tuple[dict[str, Any], Arrays]:
        with self._bank.lock:
            kind = type(self._estimator)
            if own_class(class_name(kind)) is not kind:
                raise TypeError(
                    f"model is of the class {kind.__name__}, which is not streamrnn's, and cannot "
                    "be saved with its keys; pickle takes it"
                )
            outline, arrays = described(self._estimator)
            document = {
                "class": class_name(type(self)),
                "arguments": encoded_arguments(self, without=_APART),
                "model": outline,
            }
            packed = self._population.packed()
            arrays |= _packed_keys(document, packed) | self._packed_bank(document, packed)
            return document, arrays

    def _packed_bank(self, document: dict[str, Any], packed: dict[str, Any]) -> Arrays:
        """Return the numbers of the keys in memory, least recently used first."""
        slots = [slot for _, slot in packed["roster"]["resident"]]
        state = self._bank.state_of(slots)
        document["fresh"], arrays = packed_model(state["fresh"], "fresh.")
        document["bank"] = packed_plain(state)
        document["n_resident"] = len(slots)
        arrays |= {"rows": state["rows"], "rows.statistics": state["kept"]}
        if "counters" in state:
            arrays["shared.counters"] = state["counters"].copy()
        return arrays

    @classmethod
    def _restored(cls, document: dict[str, Any], parcel: Parcel, decoder: Decoder) -> Any:
        _, written, model, n_resident, spilled, key_bytes, fresh, bank = only(document, *_FIELDS)
        arguments = decoded_arguments(cls, written, decoder, without=_APART)
        outline = outlined(_kind_of(cls, model), model, decoder)
        check_arguments(outline.estimator, *(arguments[name] for name in _CHECKED))
        check_choice("weights", arguments["weights"], tuple(BANKS))
        shape = _Shape(outline, arguments["weights"] == "shared", n_resident, spilled)
        check_specs(parcel, shape.specs() | {"keys": spec_of("uint8", count(key_bytes, "keys"))})
        arrays = parcel.arrays()
        packed = _restored_keys(arrays, shape, arguments, decoder)
        estimator = outline.estimator
        estimator._model = _restored_bank(fresh, bank, arrays, shape, decoder)
        estimator._restore_state(decoded_state(outline.kept, arrays, decoder))
        arguments["spill_dir"] = _folder_here(arguments["spill_dir"])
        made = cls.__new__(cls)
        made.__setstate__(  # type: ignore[attr-defined]
            {"model": estimator.clone(), "_estimator": estimator, "_population": packed} | arguments
        )
        return made


#: Of a document.
_FIELDS = (
    *("class", "arguments", "model"),
    *("n_resident", "spilled", "key_bytes"),
    *("fresh", "bank"),
)

#: Arguments that are not with the others. Where blocks run says nothing of the model: files are the
#: same whatever it was, and a machine without a device goes on with them.
_APART = ("model", "backend")

_CHECKED = ("key", "max_keys", "ttl", "time", "n_threads")


def _kind_of(cls: type, outline: Any) -> type:
    """Return the class of each key's model."""
    kind: Any = own_class(outline["class"])
    for role in (base.Regressor, base.Classifier):
        if kind is None or issubclass(kind, role) != issubclass(cls, role):
            raise ValueError(f"a {cls.__name__} is not made of models of {outline['class']!r}")
    return kind


def _folder_here(folder: Any) -> Any:
    """Return the folder for models on disk, or None if it is not there: none is made on loading."""
    if not isinstance(folder, (str, os.PathLike, type(None))):
        raise TypeError(f"spill_dir={folder!r} is no folder")
    if folder is None or os.path.isdir(folder):
        return folder
    warnings.warn(
        f"spill_dir={str(folder)!r} is no folder here: models that wait on disk go to the "
        "system's folder of temporary files",
        stacklevel=6,
    )
    return None


class _Shape(NamedTuple):
    """How many numbers there are."""

    outline: Outline
    is_shared: bool
    n_resident: Any
    spilled: Any  # inputs, outputs and number of the models on disk, by their sizes

    @property
    def blueprint(self) -> Blueprint:
        return self.outline.blueprint

    def sizes_of(self, group: int) -> Sizes:
        """Return the sizes that some models on disk had when they went there."""
        final = self.outline.sizes
        n_inputs, n_outputs, _ = self.spilled[group]
        sizes = self.blueprint.sized(count(n_inputs, "inputs"), count(n_outputs, "outputs"))
        check_outputs(self.blueprint, sizes)
        if sizes.n_inputs > final.n_inputs or sizes.n_outputs > final.n_outputs:
            raise ValueError(f"models on disk have {sizes}, those in memory {final}")
        return sizes

    def specs(self) -> dict[str, Spec]:
        """Return what the arrays must be."""
        if self.is_shared:
            check_shareable(self.blueprint)
        sizes, dtype = self.outline.sizes, self.blueprint.dtype
        specs = specs_of_model(sizes, dtype, "fresh.")
        specs |= self._rows("rows", sizes, 1 + count(self.n_resident, "n_resident"))
        for i, (_, _, n) in enumerate(self.spilled):
            specs |= self._rows(f"spilled.{i}", self.sizes_of(i), count(n, "models on disk"))
        if self.is_shared:
            specs["shared.counters"] = spec_of("float64", len(COUNTERS))
        return specs

    def _rows(self, name: str, sizes: Sizes, n: int) -> dict[str, Spec]:
        size = self.own_starts(sizes) + own_size(sizes)
        return {
            name: spec_of(self.blueprint.dtype, n, size),
            f"{name}.statistics": spec_of("float64", n, statistics_size(sizes)),
        }

    def own_starts(self, sizes: Sizes) -> int:
        """Return where in a row a stream's own numbers begin."""
        return 0 if self.is_shared else common_size(sizes)

    def checked_rows(self, arrays: Arrays, name: str, sizes: Sizes) -> tuple[Any, Any]:
        """Return rows and statistics of some models; ValueError if they cannot be worked with."""
        rows, statistics = arrays[name], arrays[f"{name}.statistics"]
        check_numbers(self.blueprint, sizes, rows[:, self.own_starts(sizes) :], statistics)
        return rows, statistics


def _restored_bank(fresh: Any, plain: Any, arrays: Arrays, shape: _Shape, decoder: Decoder) -> Bank:
    sizes = shape.outline.sizes
    model = restored_model(fresh, arrays, shape.blueprint, sizes, decoder, "fresh.")
    rows, kept = shape.checked_rows(arrays, "rows", sizes)
    state = {"fresh": model, "free": [], "rows": rows, "kept": kept}
    state |= restored_plain(plain, decoder)
    kind = BANKS["own"]
    if shape.is_shared:
        kind = BANKS["shared"]
        state["counters"] = arrays["shared.counters"]
        check_counters(sizes, state["counters"][None])
    bank = kind.__new__(kind)
    bank.__setstate__(state)
    return bank


# --- the keys: who is where, and when they were seen


def _packed_keys(document: dict[str, Any], packed: dict[str, Any]) -> Arrays:
    """Return the keys, as JSON in an array: they may be many, and headers are short."""
    resident, spilled = packed["roster"]["resident"], packed["roster"]["spilled"]
    sizes = list(dict.fromkeys(at for _, _, at in spilled))
    told = {
        "resident": [key for key, _ in resident],
        "spilled": [key for key, _, _ in spilled],
        "groups": [sizes.index(at) for _, _, at in spilled],
        "seen": [key for key, _ in packed["seen"]],
        "times": [time for _, time in packed["seen"]],
    }
    told |= {name: packed[name] for name in ("latest", "samples", "expired")}
    text = json.dumps({name: encode(part, name) for name, part in told.items()})
    arrays = {"keys": np.frombuffer(text.encode("ascii"), np.uint8)}
    groups = [[parts for _, parts, at in spilled if at == one] for one in sizes]
    for i, group in enumerate(groups):
        arrays[f"spilled.{i}"] = np.array([row for row, _ in group])
        arrays[f"spilled.{i}.statistics"] = np.array([kept for _, kept in group])
    numbers = zip(sizes, groups, strict=True)
    document["spilled"] = [[at.n_inputs, at.n_outputs, len(group)] for at, group in numbers]
    document["key_bytes"] = len(text)
    return arrays


def _restored_keys(
    arrays: Arrays, shape: _Shape, arguments: dict[str, Any], decoder: Decoder
) -> dict[str, Any]:
    """Return what `Population.unpack` takes."""
    written = json.loads(arrays["keys"].tobytes())
    names = ("resident", "spilled", "groups", "seen", "times", "latest", "samples", "expired")
    only(written, *names)
    told = {name: decoder.decode(written[name], name) for name in names}
    _check_keys(told, shape, arguments)
    return {
        "roster": {
            "resident": [(key, GUEST + 1 + i) for i, key in enumerate(told["resident"])],
            "spilled": _restored_spilled(told, arrays, shape),
        },
        "seen": list(zip(told["seen"], told["times"], strict=True)),
        "samples": count(told["samples"], "samples"),
        "expired": count(told["expired"], "expired"),
        "latest": told["latest"],
    }


def _check_keys(told: dict[str, Any], shape: _Shape, arguments: dict[str, Any]) -> None:
    """Raise ValueError or TypeError unless the keys and times go with the rest."""
    n_resident, ttl = len(told["resident"]), arguments["ttl"]
    if n_resident != shape.n_resident or n_resident > (arguments["max_keys"] or n_resident):
        raise ValueError(f"{n_resident} keys in memory are not what arguments and arrays say")
    for keys in ([*told["resident"], *told["spilled"]], told["seen"]):
        if len(set(checked_keys(keys))) != len(keys):
            raise ValueError("a key is told twice")
    latest = [] if told["latest"] is None else [told["latest"]]
    if ttl is None and told["times"]:
        raise ValueError("times are told, and ttl is None")
    if ttl is None or arguments["time"] is None:
        for number in [*told["times"], *latest]:
            count(number, "the number of a sample")
    else:
        checked_times([*told["times"], *latest], ttl)


def _restored_spilled(told: dict[str, Any], arrays: Arrays, shape: _Shape) -> list[Any]:
    """Return key, numbers and sizes of each model on disk."""
    groups: list[Any] = []
    for i, (_, _, n) in enumerate(shape.spilled):
        sizes = shape.sizes_of(i)
        rows, statistics = shape.checked_rows(arrays, f"spilled.{i}", sizes)
        groups.append(zip(rows, statistics, [sizes] * n, strict=True))
    if len(told["spilled"]) != sum(n for _, _, n in shape.spilled):
        raise ValueError(f"{len(told['spilled'])} keys are not those of the models on disk")
    spilled = []
    for key, i in zip(told["spilled"], told["groups"], strict=True):
        row, kept, sizes = next(groups[count(i, "a group")])
        spilled.append((key, [row, kept], sizes))
    return spilled
