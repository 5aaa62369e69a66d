"""One step of a model as an ONNX graph. Imports onnx.

Plain products and activations, not ONNX's LSTM, GRU and RNN: those know no float64 in ONNX Runtime,
and these leave PyTorch's gate order as it is.
"""

from __future__ import annotations

from math import isfinite
from typing import Any

import numpy as np
from onnx import GraphProto, TensorProto, ValueInfoProto, helper

from streamrnn.travel.onnx_builder import Builder
from streamrnn.travel.onnx_targets import Told, changed, clipped, follow, levels, scaled
from streamrnn.travel.snapshot import HEADS, Snapshot, scale_and_shift

_BATCH = "batch"


def build(snapshot: Snapshot) -> GraphProto:
    """Return the graph of one step; see ``to_onnx`` for its inputs and outputs."""
    b = Builder(snapshot.dtype)
    told = follow(b, snapshot) if snapshot.knows_targets else Told()
    x = b.cast(scaled(b, snapshot, "x", snapshot.input_moments))
    read = [x]
    if snapshot.n_lags:
        read.append(_flat(b, b.part(told.rows, 0, 1, axis=1)))
    read = [_joined(b, read)]
    h = _layers(b, snapshot, read[0])
    read += _read_by_the_head(b, snapshot, x, told)
    outputs = _predict(b, snapshot, h, _joined(b, read), told)
    carried = _carried_values(snapshot, b.kind)
    inputs = [_value("x", TensorProto.DOUBLE, [_BATCH, snapshot.n_features])]
    if snapshot.knows_targets:
        inputs.append(_value("y", TensorProto.DOUBLE, [_BATCH, snapshot.n_targets]))
    inputs += [_value(*value) for value in carried]
    outputs += [_value(f"{name}_next", kind, shape) for name, kind, shape in carried]
    return helper.make_graph(b.nodes, "streamrnn", inputs, outputs, b.constants)


def _carried_values(snapshot: Snapshot, kind: int) -> list[tuple[str, int, list[Any]]]:
    """Return names, types and shapes of what a step takes in and, as ``..._next``, gives out."""
    layers = [snapshot.num_layers, _BATCH, snapshot.hidden_size]
    carried = [(name, kind, layers) for name in "hc"[: snapshot.n_states]]
    if snapshot.memory.x_before is not None:
        carried.append(("x_before", kind, [_BATCH, snapshot.n_features]))
    if snapshot.n_kept:
        carried.append(("targets", kind, [_BATCH, snapshot.n_kept, snapshot.n_outputs + 1]))
    if snapshot.memory.last is not None:
        carried.append(("last", TensorProto.DOUBLE, [_BATCH, snapshot.n_outputs]))
    return carried


def _joined(b: Builder, values: list[str]) -> str:
    return values[0] if len(values) == 1 else str(b.op("Concat", *values, axis=1))


def _flat(b: Builder, rows: str) -> str:
    return str(b.op("Flatten", rows, axis=1))


def _layers(b: Builder, snapshot: Snapshot, x: str) -> str:
    """Take all layers one step on; write the state, and return the top layer's hidden state."""
    carried = ["h", "c"][: snapshot.n_states]
    after: list[list[str]] = []
    for layer in range(snapshot.num_layers):
        place = b.constant(layer, np.int64)
        before = [b.op("Gather", state, place, axis=0) for state in carried]
        after.append(_layer(b, snapshot, layer, x, before))
        x = after[-1][0]
    for i, name in enumerate(carried):
        rows = [b.with_axis(states[i], 0) for states in after]
        b.name(b.op("Concat", *rows, axis=0), f"{name}_next")
    return x


def _read_by_the_head(b: Builder, snapshot: Snapshot, x: str, told: Told) -> list[str]:
    """Return what the head alone reads, as `streamrnn.lags.write_recent` has it."""
    read = []
    if snapshot.memory.x_before is not None:
        read.append("x_before")
        b.name(x, "x_before_next")
    if snapshot.n_recent and told.last and snapshot.level_moments is not None:
        read.append(levels(b, snapshot.level_moments, told.last))
    if snapshot.n_recent:
        read.append(_flat(b, told.rows))
    return read


def _value(name: str, kind: int, shape: list[Any]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _layer(b: Builder, snapshot: Snapshot, layer: int, x: str, before: list[str]) -> list[str]:
    """Take one layer one step on; return its state, the hidden state first."""
    reached = []
    for kind, value in (("ih", x), ("hh", before[0])):
        weight = b.weight(snapshot.weights[f"weight_{kind}_l{layer}"])
        bias = b.weight(snapshot.weights[f"bias_{kind}_l{layer}"])
        reached.append(b.op("Gemm", value, weight, bias, transB=1))
    if snapshot.cell == "lstm":
        return _lstm(b, reached, before)
    if snapshot.cell == "gru":
        return _gru(b, reached, before)
    activation = "Relu" if snapshot.cell == "rnn_relu" else "Tanh"
    return [b.op(activation, b.op("Add", *reached))]


def _lstm(b: Builder, reached: list[str], before: list[str]) -> list[str]:
    gates = b.op("Split", b.op("Add", *reached), n=4, axis=1)
    i, f, o = (b.op("Sigmoid", gates[place]) for place in (0, 1, 3))
    kept, new = b.op("Mul", f, before[1]), b.op("Mul", i, b.op("Tanh", gates[2]))
    c = b.op("Add", kept, new)
    return [b.op("Mul", o, b.op("Tanh", c)), c]


def _gru(b: Builder, reached: list[str], before: list[str]) -> list[str]:
    r_x, z_x, n_x = b.op("Split", reached[0], n=3, axis=1)
    r_h, z_h, n_h = b.op("Split", reached[1], n=3, axis=1)
    r = b.op("Sigmoid", b.op("Add", r_x, r_h))
    z = b.op("Sigmoid", b.op("Add", z_x, z_h))
    n = b.op("Tanh", b.op("Add", n_x, b.op("Mul", r, n_h)))
    return [b.op("Add", n, b.op("Mul", z, b.op("Sub", before[0], n)))]


def _outputs(b: Builder, snapshot: Snapshot, h: str, read: str) -> str:
    """Return the outputs of the head, float64: what it makes of the state and of its inputs."""
    weight, bias = (b.weight(snapshot.weights[f"head.{name}"]) for name in ("weight", "bias"))
    z = b.op("Gemm", h, weight, bias, transB=1)
    wide = HEADS[snapshot.head]
    if wide:
        if isfinite(snapshot.bound):
            low, high = (b.constant(bound, b.dtype) for bound in (-snapshot.bound, snapshot.bound))
            read = b.op("Clip", read, low, high)
        z = b.op("Gemm", read, b.weight(snapshot.weights[wide]), z, transB=1)
    return str(b.op("Cast", z, to=TensorProto.DOUBLE))


def _in_units(b: Builder, snapshot: Snapshot, z: str, told: Told) -> str:
    """Take the outputs of a regression to the target's units."""
    if told.last and snapshot.level_moments is not None:
        return changed(b, snapshot, z, snapshot.level_moments, told.last)
    if snapshot.target_moments is None:
        return z
    scale, shift = map(b.constant, scale_and_shift(snapshot.target_moments))
    return str(b.op("Add", b.op("Mul", clipped(b, snapshot, z), scale), shift))


def _predict(b: Builder, snapshot: Snapshot, h: str, read: str, told: Told) -> list[ValueInfoProto]:
    """Make the prediction of hidden state and inputs; return the graph's outputs for it."""
    z = _outputs(b, snapshot, h, read)
    if snapshot.decoding in ("identity", None):
        b.name(_in_units(b, snapshot, z, told), "prediction")
        return [_value("prediction", TensorProto.DOUBLE, [_BATCH, snapshot.n_outputs])]
    if snapshot.decoding == "softmax":
        z = b.op("Softmax", z, axis=1)
    elif snapshot.decoding == "logistic":
        z = b.op("Sigmoid", b.op("Concat", b.op("Neg", z), z, axis=1))
    else:
        z = b.op("Sigmoid", z)
    b.name(z, "probabilities")
    columns = 2 if snapshot.decoding == "logistic" else snapshot.n_outputs
    outputs = [_value("probabilities", TensorProto.DOUBLE, [_BATCH, columns])]
    if snapshot.decoding != "sigmoid":  # labels that exclude each other
        b.name(b.op("ArgMax", z, axis=1, keepdims=0), "label_index")
        outputs.append(_value("label_index", TensorProto.INT64, [_BATCH]))
    return outputs
