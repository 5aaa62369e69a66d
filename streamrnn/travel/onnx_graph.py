"""One step of a model as an ONNX graph. Imports onnx.

Plain products and activations, not ONNX's LSTM, GRU and RNN: those know no float64 in ONNX Runtime,
and these leave PyTorch's gate order as it is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

from streamrnn.scaling import COUNT, LIMIT, M2, MEAN, UNSCALED_LIMIT, reach
from streamrnn.travel.snapshot import Snapshot, scale_and_shift

_BATCH = "batch"


class Builder:
    """Collects nodes and constants; every value has a name."""

    def __init__(self, dtype: str) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.dtype = np.dtype(dtype)
        self.kind = helper.np_dtype_to_tensor_dtype(self.dtype)

    def op(self, kind: str, *inputs: str, n: int = 1, **attributes: Any) -> Any:
        """Add a node; return the name of its output, or the names if it has several."""
        names = [f"{kind}_{len(self.nodes)}_{i}" for i in range(n)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if n == 1 else names

    def name(self, value: str, name: str) -> None:
        """Give a value the name of an output of the graph."""
        self.nodes.append(helper.make_node("Identity", [value], [name]))

    def constant(self, value: Any, dtype: Any = np.float64) -> str:
        """Add a constant."""
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def weight(self, array: np.ndarray) -> str:
        """Add a constant in the model's precision."""
        return self.constant(array, self.dtype)


def build(snapshot: Snapshot) -> GraphProto:
    """Return the graph of one step; see ``to_onnx`` for its inputs and outputs."""
    b = Builder(snapshot.dtype)
    x = _scaled(b, snapshot)
    x = b.op("Cast", x, to=b.kind)
    if snapshot.n_lags:
        x = b.op("Concat", x, "lag", axis=1)
    carried = ["h", "c"][: snapshot.n_states]
    after: list[list[str]] = []
    for layer in range(snapshot.num_layers):
        place = b.constant(layer, np.int64)
        before = [b.op("Gather", state, place, axis=0) for state in carried]
        after.append(_layer(b, snapshot, layer, x, before))
        x = after[-1][0]
    for i, name in enumerate(carried):
        axis = b.constant([0], np.int64)
        rows = [b.op("Unsqueeze", states[i], axis) for states in after]
        b.name(b.op("Concat", *rows, axis=0), f"{name}_next")
    outputs = _predict(b, snapshot, x)
    inputs = [_value("x", TensorProto.DOUBLE, [_BATCH, snapshot.n_features])]
    if snapshot.n_lags:
        inputs.append(_value("lag", b.kind, [_BATCH, snapshot.n_lags]))
    shape = [snapshot.num_layers, _BATCH, snapshot.hidden_size]
    inputs += [_value(name, b.kind, shape) for name in carried]
    outputs += [_value(f"{name}_next", b.kind, shape) for name in carried]
    return helper.make_graph(b.nodes, "streamrnn", inputs, outputs, b.constants)


def _value(name: str, kind: int, shape: list[Any]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def _scaled(b: Builder, snapshot: Snapshot) -> str:
    """Standardise x by the moments and itself, as `streamrnn.scaling.scale_inputs` does."""
    moments = snapshot.input_moments
    limit = UNSCALED_LIMIT if moments is None else LIMIT
    usable = b.op("LessOrEqual", b.op("Abs", "x"), b.constant(limit))  # NaN is not
    zero = b.constant(0.0)
    if moments is None:
        return str(b.op("Where", usable, "x", zero))
    count, mean = b.constant(moments[COUNT] + 1.0), b.constant(moments[MEAN])
    value = b.op("Where", usable, "x", mean)
    if snapshot.scale_clip is not None:
        most = _reach(moments, snapshot.scale_clip)
        value = _between(b, value, moments[MEAN] - most, moments[MEAN] + most)
    change = b.op("Sub", value, mean)
    deviation = b.op("Sub", value, b.op("Add", mean, b.op("Div", change, count)))
    m2 = b.op("Add", b.constant(moments[M2]), b.op("Mul", change, deviation))
    varies = b.op("Greater", m2, zero)
    safe = b.op("Where", varies, m2, b.constant(1.0))
    scaled = b.op("Div", deviation, b.op("Sqrt", b.op("Div", safe, count)))
    scaled = b.op("Where", varies, scaled, zero)
    return _clipped(b, snapshot, scaled)


def _clipped(b: Builder, snapshot: Snapshot, scaled: str) -> str:
    clip = snapshot.scale_clip
    return scaled if clip is None else _between(b, scaled, -clip, clip)


def _reach(moments: np.ndarray, clip: np.ndarray) -> Any:
    """Return how far from the mean a value may lie, (n,)."""
    count = np.maximum(moments[COUNT], 1.0)
    return np.where(moments[M2] > 0.0, reach(count, np.sqrt(moments[M2] / count), clip), np.inf)


def _between(b: Builder, value: str, least: Any, most: Any) -> str:
    return str(b.op("Min", b.op("Max", value, b.constant(least)), b.constant(most)))


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


def _predict(b: Builder, snapshot: Snapshot, h: str) -> list[ValueInfoProto]:
    """Read the prediction off the top layer's hidden state; return the graph's outputs for it."""
    weight, bias = (b.weight(snapshot.weights[f"head.{name}"]) for name in ("weight", "bias"))
    z = b.op("Cast", b.op("Gemm", h, weight, bias, transB=1), to=TensorProto.DOUBLE)
    if snapshot.decoding in ("identity", None):
        if snapshot.target_moments is not None:
            z = _clipped(b, snapshot, z)
            scale, shift = map(b.constant, scale_and_shift(snapshot.target_moments))
            z = b.op("Add", b.op("Mul", z, scale), shift)
        b.name(z, "prediction")
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
