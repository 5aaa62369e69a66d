"""Nodes and constants of an ONNX graph, as they are collected. Imports onnx."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper


class Builder:
    """Collects nodes and constants; every value has a name.

    Parameters
    ----------
    dtype
        The model's precision.
    """

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

    def cast(self, value: str) -> str:
        """Take a value to the model's precision."""
        return str(self.op("Cast", value, to=self.kind))

    def part(self, value: str, start: int, stop: int, axis: int) -> str:
        """Cut a piece out along an axis; a negative `start` or `stop` counts from its end."""
        bounds = [self.constant([number], np.int64) for number in (start, stop, axis)]
        return str(self.op("Slice", value, *bounds))

    def with_axis(self, value: str, axis: int) -> str:
        """Give a value a further axis of length 1."""
        return str(self.op("Unsqueeze", value, self.constant([axis], np.int64)))
