"""What tests of the device's side share: a kernel that is easily understood, and banks."""

import numpy as np
from engine_helpers import blueprint

from streamrnn.backends import cpu
from streamrnn.bank import Bank
from streamrnn.layout import Sizes
from streamrnn.learner import Plugins
from streamrnn.linalg import Alone
from streamrnn.views import matrix_at
from streamrnn.workspace import workspace_size

TINY = {"hidden_size": 2, "truncation": 2, "dtype": "float32"}


def kernel_for(kinds, dtype, is_wide=False):
    """Each block runs the CPU's engine on its models, by one thread."""
    # The simulator knows it by the name that it has in the module.
    global cuda
    from numba import cuda

    real = np.dtype(dtype).type(0)
    engine = cpu._run("", Plugins(*(kind() for kind in kinds)), real, Alone())
    n_words = len(cpu.Call._fields) + len(Sizes._fields)

    def kernel(address):
        told = matrix_at(address, 1, n_words, np.int64(0))[0].copy()
        call = cpu.Call(*told[: len(cpu.Call._fields)].tolist())
        sizes = Sizes(*told[len(call) :].tolist())
        if cuda.threadIdx.x > 0:
            return
        scratch = np.zeros(workspace_size(sizes), dtype)
        for model in range(cuda.blockIdx.x, call.n_models, cuda.gridDim.x):
            one = call._replace(
                models=call.models + 8 * len(cpu.Address._fields) * model,
                bounds=call.bounds + 8 * model,
                n_models=1,
                workspace=cpu.address(scratch),
            )
            engine(cpu.words(one, sizes))

    return cuda.jit(kernel)


def use_plain_kernels(monkeypatch):
    """Have kernels whose blocks run the CPU's engine: the same bits, and nothing to wait for."""
    from streamrnn.backends.cuda import kernels

    monkeypatch.setattr(kernels, "kernel_for", kernel_for)


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
