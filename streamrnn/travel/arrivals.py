"""What PyTorch users bring: a module or a state_dict, read as a snapshot. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np

from streamrnn.travel.memory import Memory
from streamrnn.travel.snapshot import HEADS, Snapshot

_RECURRENT = re.compile(r"^(.*\.)?((?:weight|bias)_(?:ih|hh)_l\d+)$")
_GATES = {"lstm": 4, "gru": 3, "rnn": 1, "rnn_relu": 1}
#: What our own module has besides weights.
_BUFFERS = (
    *("input_moments", "target_moments", "level_moments", "change_fit", "scale_clip"),
    *("initial_state", "initial_x_before", "initial_targets", "initial_last"),
)


def read(given: Any, cell: str | None) -> Snapshot:
    """Read a module or a state_dict.

    Parameters
    ----------
    given
        A ``torch.nn.Module`` with one recurrent and one linear module inside, under any names, or a
        mapping of names to arrays or tensors, with any prefixes.
    cell
        Name of the cell, None where `given` says it.

    Raises
    ------
    ValueError
        If there are other weights, or some are missing.
    TypeError
        If it is neither.
    """
    if isinstance(given, type):
        raise TypeError(f"from_torch got the class {given.__name__}: give an object of it")
    if callable(getattr(given, "named_modules", None)):
        # Only whoever has imported torch has a module of it.
        from streamrnn.travel import torch_reader

        found = torch_reader.read(given)
        if cell is not None and cell != found.cell:
            raise ValueError(f"cell={cell!r}, but the module has a {found.cell!r}")
        snapshot = of_arrays(found.arrays, found.cell)
        return snapshot._replace(
            decoding=found.decoding,
            features=found.features,
            labels=found.labels,
        )
    if isinstance(given, Mapping):
        return of_arrays(given, cell)
    raise TypeError(
        f"from_torch takes a torch.nn.Module or its state_dict, got a {type(given).__name__}"
    )


def of_arrays(arrays: Mapping[str, Any], cell: str | None) -> Snapshot:
    """Read a state_dict; see `read`."""
    _refuse_variants(arrays)
    recurrent, rest = _split(arrays)
    own = {}
    for name in list(rest):
        last = name.rpartition(".")[2]
        if last in _BUFFERS:
            own[last] = _array(name, rest.pop(name))
    head, bound = _head_weights(rest)
    weights = _recurrent_weights(recurrent) | head
    n_outputs = len(head["head.bias"])
    memory = Memory(*(own.get(f"initial_{name}") for name in Memory._fields))
    width = weights["weight_ih_l0"].shape[1]
    n_lags = _n_lags(memory, width, n_outputs)
    dtype = "float64" if weights["weight_hh_l0"].dtype == np.float64 else "float32"
    return Snapshot(
        cell=_cell(weights, cell),
        weights={name: array.astype(dtype) for name, array in weights.items()},
        state=own.get("initial_state"),
        input_moments=own.get("input_moments"),
        target_moments=own.get("target_moments"),
        n_lags=n_lags,
        n_recent=_n_recent(head, memory, width, "level_moments" in own),
        bound=bound,
        scale_clip=_clip(own.get("scale_clip")),
        memory=memory,
        level_moments=own.get("level_moments"),
        change_fit=own.get("change_fit"),
    )


def _n_lags(memory: Memory, width: int, n_outputs: int) -> int:
    """Return how many of the network's inputs tell the last target: one an output, or none."""
    targets, x_before = memory.targets, memory.x_before
    if targets is None:
        return 0
    if targets.ndim != 2 or targets.shape[1] != n_outputs + 1:
        raise ValueError(f"initial_targets is {targets.shape}, the module has {n_outputs} outputs")
    if x_before is None:  # then the network reads the targets: nothing else does
        return n_outputs
    n_lags = width - x_before.size
    if n_lags not in (0, n_outputs):
        raise ValueError(f"weight_ih_l0 has {width} columns, initial_x_before {x_before.shape}")
    return n_lags


def _n_recent(head: dict[str, np.ndarray], memory: Memory, width: int, is_change: bool) -> int:
    """Return how many of the last targets the head reads: as many as it has columns for them."""
    if "head.inputs" not in head:
        return 0
    if memory.x_before is None:
        raise ValueError("head.inputs is there, and initial_x_before is missing")
    columns, n_outputs = head["head.inputs"].shape[1], len(head["head.bias"])
    told = columns - width - memory.x_before.size
    recent = told - n_outputs if is_change and told else told
    n_recent, rest = divmod(recent, n_outputs)
    n_kept = 0 if memory.targets is None else len(memory.targets)
    if rest or not 0 <= n_recent <= n_kept:
        raise ValueError(f"head.inputs has {columns} columns, which fit no {n_kept} last targets")
    return n_recent


def _clip(clip: np.ndarray | None) -> np.ndarray | None:
    """Return it, if it is one number; the estimator will check which."""
    if clip is not None and clip.shape != ():
        raise ValueError(f"scale_clip is {clip.shape}, it must be one number")
    return clip


def _refuse_variants(arrays: Mapping[str, Any]) -> None:
    for name in arrays:
        if not isinstance(name, str):
            raise TypeError(f"a state_dict has strings as names, got {name!r}")
        if re.search(r"_l\d+_reverse$", name):
            raise ValueError(f"{name!r}: a stream has no end to go back from; not bidirectional")
        if re.search(r"weight_hr_l\d+$", name):
            raise ValueError(f"{name!r}: projections (proj_size) have no counterpart here")


def _split(arrays: Mapping[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Part the recurrent weights, without their prefix, from the rest."""
    recurrent: dict[str, np.ndarray] = {}
    rest, prefixes = {}, set()
    for name, value in arrays.items():
        match = _RECURRENT.match(name)
        if match is None:
            rest[name] = value
            continue
        prefixes.add(match[1] or "")
        recurrent[match[2]] = _array(name, value)
    if not prefixes:
        raise ValueError(f"no weight_ih_l0 of an nn.LSTM, nn.GRU or nn.RNN among {list(arrays)}")
    if len(prefixes) > 1:
        raise ValueError(f"one recurrent module is needed, there are {sorted(prefixes)}")
    return recurrent, rest


def _recurrent_weights(found: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Check that the layers are whole; where there are no biases, they are 0."""
    numbers = sorted({int(name.rpartition("_l")[2]) for name in found})
    weights = {}
    for layer in range(max(numbers) + 1):
        for kind in ("ih", "hh"):
            name = f"weight_{kind}_l{layer}"
            if name not in found or found[name].ndim != 2:
                raise ValueError(f"{name} is missing or no matrix; there are {sorted(found)}")
            weights[name] = found[name]
            zeros = np.zeros(len(found[name]), found[name].dtype)
            weights[f"bias_{kind}_l{layer}"] = found.get(f"bias_{kind}_l{layer}", zeros)
    return weights


def _head_weights(rest: dict[str, Any]) -> tuple[dict[str, np.ndarray], float]:
    """Find the linear layer, under whatever name, and what our own has beside its weights.

    Returns them, and the greatest magnitude of an input of the head.
    """
    arrays = {name: _array(name, value) for name, value in rest.items()}
    heads = [name for name, array in arrays.items() if name.endswith("weight") and array.ndim == 2]
    if len(heads) != 1:
        raise ValueError(
            f"one nn.Linear is needed beside the recurrent module, there are {heads or list(rest)}"
        )
    weight = arrays.pop(heads[0])
    prefix = heads[0].removesuffix("weight")
    bias = arrays.pop(prefix + "bias", np.zeros(len(weight), weight.dtype))
    found, bound = {"head.weight": weight, "head.bias": bias}, inf
    for name in filter(None, HEADS.values()):
        wide = arrays.get(prefix + name.removeprefix("head."))
        if wide is not None and wide.ndim == 2 and len(wide) == len(weight):
            found[name] = arrays.pop(prefix + name.removeprefix("head."))
    if "head.inputs" in found and np.ndim(arrays.get(prefix + "bound", ())) == 0:
        bound = float(arrays.pop(prefix + "bound"))
    if arrays or len(found) > 3:
        raise ValueError(f"an estimator has no place for {list(arrays or found)}")
    return found, bound


def _cell(weights: dict[str, np.ndarray], cell: str | None) -> str:
    rows, H = weights["weight_hh_l0"].shape
    fitting = [name for name, gates in _GATES.items() if rows == gates * H]
    if not fitting:
        raise ValueError(f"weight_hh_l0 is {(rows, H)}, which is no LSTM, GRU or RNN")
    if cell is None and len(fitting) > 1:
        raise ValueError("a state_dict does not tell tanh from ReLU: give cell='rnn' or 'rnn_relu'")
    if cell is not None and cell not in fitting:
        raise ValueError(f"cell={cell!r} does not fit weight_hh_l0 {(rows, H)}: {fitting} would")
    return cell or fitting[0]


def _array(name: str, value: Any) -> np.ndarray:
    """Turn a tensor or an array into an array of float32 or float64."""
    if callable(getattr(value, "detach", None)):
        value = value.detach().cpu()
        value = value.double() if "float64" in str(value.dtype) else value.float()
    try:
        array = np.asarray(value)
        return array if array.dtype == np.float64 else array.astype(np.float32)
    except (TypeError, ValueError):
        raise ValueError(f"{name!r} is no array of numbers: {value!r}") from None
