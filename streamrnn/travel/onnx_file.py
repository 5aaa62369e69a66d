"""A model as an ONNX file: the graph, the metadata, written as a whole or not at all."""

from __future__ import annotations

import json
import os
from math import isfinite
from typing import Any

import numpy as np
import onnx
from onnx import helper

from streamrnn import durable
from streamrnn._version import __version__
from streamrnn.travel.onnx_graph import build
from streamrnn.travel.snapshot import Snapshot, scale_and_shift

#: Old enough for every runtime in use; nothing newer is needed.
_OPSET, _IR_VERSION = 13, 7


def write(snapshot: Snapshot, path: str | os.PathLike[str]) -> None:
    """Write the model to `path`; see ``to_onnx``."""
    model = helper.make_model(
        build(snapshot),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="streamrnn",
        producer_version=__version__,
    )
    helper.set_model_props(model, {name: json.dumps(v) for name, v in _metadata(snapshot).items()})
    onnx.checker.check_model(model, full_check=True)
    durable.write(path, [model.SerializeToString(deterministic=True)])


def _metadata(snapshot: Snapshot) -> dict[str, Any]:
    names = list(snapshot.features or [])
    names += [None] * (snapshot.n_features - len(names))  # columns that have no name yet
    outputs = None if snapshot.labels is None else [plain(name) for name in snapshot.labels]
    task = _TASKS[snapshot.decoding or "identity"]
    moments = snapshot.level_moments if snapshot.is_change else snapshot.target_moments
    scale, shift = scale_and_shift(np.empty((3, 0)) if moments is None else moments)
    return {
        "features": [plain(name) for name in names],
        "targets" if task == "regression" else "labels": outputs,
        "scaling": {"target_mean": shift.tolist(), "target_scale": scale.tolist()},
        "state": {name: _numbers(values) for name, values in _carried(snapshot).items()},
        "model": {
            "streamrnn": __version__,
            "cell": snapshot.cell,
            "head": snapshot.head,
            "hidden_size": snapshot.hidden_size,
            "num_layers": snapshot.num_layers,
            "dtype": snapshot.dtype,
            "task": task,
            "predict_change": snapshot.is_change,
        },
    }


def _carried(snapshot: Snapshot) -> dict[str, np.ndarray]:
    """Return what the model carries now, each under the name and in the shape of its input."""
    rows = () if snapshot.state is None else snapshot.state[:, :, None]
    carried = dict(zip("hc", rows, strict=False))
    for name, values in snapshot.memory._asdict().items():
        if values is not None:
            carried[name] = values[None]
    return carried


def _numbers(values: np.ndarray) -> list[Any]:
    """Return numbers as JSON has them: what is not known is null, which NumPy reads as NaN."""
    numbers = values.astype(object)
    numbers[np.isnan(values)] = None
    listed: list[Any] = numbers.tolist()
    return listed


_TASKS = {
    "identity": "regression",
    "softmax": "classification",
    "logistic": "classification",
    "sigmoid": "multilabel",
}


def plain(name: Any) -> Any:
    """Return a name as JSON has it, with its type: True, 1, 1.0 and "1" stay apart.

    A tuple becomes a list; what else JSON has no type for becomes ``{"type": ..., "repr": ...}``.
    """
    if isinstance(name, np.generic):
        name = name.item()
    if type(name) in (str, bool, int) or name is None or (type(name) is float and isfinite(name)):
        return name
    if type(name) is tuple:
        return [plain(part) for part in name]
    return {"type": type(name).__name__, "repr": repr(name)}
