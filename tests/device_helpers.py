"""What tests of the device's side share: a kernel that is easily understood, and banks."""

import sys
import types
from typing import NamedTuple

import numpy as np
from engine_helpers import blueprint

from streamrnn.backends import cpu
from streamrnn.backends import cuda as package
from streamrnn.bank import Bank
from streamrnn.learner import Plugins
from streamrnn.linalg import Alone
from streamrnn.workspace import workspace_size

TINY = {"hidden_size": 2, "truncation": 2, "dtype": "float32"}


class Placing(NamedTuple):
    threads: int
    shared_bytes: int
    workspace_bytes: int


def placing_for(kinds, dtype, sizes, shared_limit, threads_limit):
    if sizes.hidden_size > 100:
        raise ValueError(f"{shared_limit} bytes")
    return Placing(1, 0, workspace_size(sizes) * np.dtype(dtype).itemsize)


def kernel_for(kinds, dtype):
    """Each block runs the CPU's engine on its models."""
    # The simulator knows it by the name that it has in the module.
    global cuda
    from numba import cuda

    engine = cpu._run("", Plugins(*(kind() for kind in kinds)), np.dtype(dtype).type(0), Alone())

    def kernel(words):
        told = np.array([words[i] for i in range(len(words))], np.int64)
        call = cpu.Call(*told[: len(cpu.Call._fields)].tolist())
        for model in range(cuda.blockIdx.x, call.n_models, cuda.gridDim.x):
            one = call._replace(
                models=call.models + 8 * len(cpu.Address._fields) * model,
                bounds=call.bounds + 8 * model,
                n_models=1,
                workspace=call.workspace + int(told[-1]) * cuda.blockIdx.x,
            )
            told[: len(one)] = one
            engine(told[:-1])

    return cuda.jit(kernel)


def words_for(call, sizes, placing):
    return np.array([*call, *sizes, placing.workspace_bytes], np.int64)


def use_plain_kernels(monkeypatch):
    """Have kernels whose blocks run the CPU's engine: the same bits, and nothing to wait for."""
    module = types.SimpleNamespace(
        placing_for=placing_for, kernel_for=kernel_for, words_for=words_for
    )
    monkeypatch.setattr(package, "kernels", module, raising=False)
    monkeypatch.setitem(sys.modules, f"{package.__name__}.kernels", module)


def bank(n=4, **words):
    """A bank of tiny models of two inputs, and the slots of `n` of them."""
    made = Bank(blueprint(**TINY | words))
    made.grow(2, made.sizes.n_outputs)
    return made, np.array([made.take() for _ in range(n)])


def rows_of(rng, counts, n_targets=1):
    """Bounds, inputs, targets with their weights, and room for predictions."""
    bounds = np.cumsum([0, *counts])
    X = rng.normal(size=(bounds[-1], 2))
    Y = np.column_stack([rng.normal(size=(len(X), n_targets)), np.ones(len(X))])
    return bounds, X, Y, np.full((len(X), n_targets), np.nan)


def bits_of(bank, slots):
    """The bits of models, as whoever saves them sees them."""
    state = bank.state_of(slots)
    return state["rows"].tobytes() + state["kept"].tobytes()
