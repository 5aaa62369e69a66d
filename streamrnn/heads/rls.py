"""A read-out that learns by recursive least squares, over hidden state, inputs and last targets.

With φ = [1, h, x] the outputs are z = W φ. A sample with slope s = dL/dz and curvature c of the
loss, both times the sample's weight, moves W by -P φ sᵀ / (1 + c r), where r = φᵀ P φ, and then
takes its information into P, the inverse of all information so far:

    P <- P - (1 - r'/r) / r · P φ φᵀ P,    1/r' = λ/r + c.

What is kept is a root of P, P = S Sᵀ, which rounding cannot turn into anything that is no
covariance (Potter 1963; Bierman 1977, chapter II); with f = Sᵀ φ, r = fᵀ f and P φ = S f,

    S <- S - (1 - √(r'/r)) / r · S f fᵀ.

All outputs share P. One that is told more rarely than others, or came later, knows less: its P is
so many times as large as its samples are fewer.

For the squared loss and λ = 1 that is recursive least squares with a ridge (Plackett 1950); for
others each sample makes a Newton step (online Newton step, Hazan et al. 2007; a Huber loss gives
the weights of Huber 1964). Forgetting is directional (Kulhavý & Kárný 1984): only what the sample
tells about is forgotten, so P stays bounded along directions in which nothing ever happens.

The network below learns by truncated back-propagation through this read-out.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import glue, kernel, standalone
from streamrnn._registry import plugin
from streamrnn.heads.protocol import Shape, learn, read, send_back
from streamrnn.linalg import copy
from streamrnn.losses.protocol import curvature, slope
from streamrnn.roots import direction, shorten
from streamrnn.views import matrix, vector


@plugin(
    name="rls",
    limits={
        "lags": (0.0, 1e6),
        "ridge": (1e-9, 1e9),
        "decay": (0.0, 10.0),
        "forgetting": (0.5, 1.0),
        "bound": (1e-3, 1e6),
    },
    recent_inputs=True,
)
class RLS(NamedTuple):
    """Recursive least squares with directional forgetting.

    Its inputs are the hidden state, the features of this step and of the one before, and the last
    targets: how the features have changed often tells more than where they are. Time and memory
    grow with the square of their number. Up to some two hundred it costs less than the network.

    Parameters
    ----------
    lags
        Last targets that it reads, no more than the steps of `truncation`.
    ridge
        What the weights cost: as much as so many samples at which the input is 1 tell. A larger one
        is slower to trust what few samples say.
    decay
        The ridge of the target `l` steps ago is ``l ** decay`` times that: distant ones have to
        show that they matter (the prior of Litterman 1986 for vector autoregressions has 2).
    forgetting
        What is left of the information along a sample's direction when the sample comes.
    bound
        Greatest magnitude of an input: what lies beyond counts as that.
    """

    lags: float = 24.0
    ridge: float = 3.0
    decay: float = 2.0
    forgetting: float = 0.999
    bound: float = 5.0

    @property
    def recent_targets(self) -> int:
        """Last targets that it reads."""
        return int(self.lags)

    def n_parameters(self, H: int, inputs: int, outputs: int) -> int:
        """Return 0: nothing is learnt by gradient."""
        return 0

    def n_memory(self, H: int, inputs: int, outputs: int) -> int:
        """Return the length of W, three vectors of scratch, S, and what was told."""
        n = 1 + H + inputs
        return n * (outputs + 3 + n) + outputs + 1

    def blocks(self, H: int, inputs: int, outputs: int) -> dict[str, tuple[int, tuple[int, ...]]]:
        """Return nothing: there are no parameters."""
        return {}

    def learnt(
        self, H: int, inputs: int, outputs: int, memory: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Return the parts of W: for the hidden state, for all inputs, and for the constant 1."""
        W = _parts(memory, 1 + H + inputs, outputs).W
        return {"weight": W[:, 1 : 1 + H], "inputs": W[:, 1 + H :], "bias": W[:, 0]}

    def variances(self, H: int, inputs: int, outputs: int, memory: np.ndarray) -> np.ndarray:
        """Return the diagonal of P: of the constant 1, the hidden state, the inputs."""
        S = _parts(memory, 1 + H + inputs, outputs).S
        return np.asarray((S * S).sum(axis=1))

    def start_memory(self, shape: Shape, memory: np.ndarray) -> None:
        """Write the prior: zero weights, each as certain as its ridge says."""
        part = _parts(memory, 1 + shape.H + shape.inputs, shape.outputs)
        ages = np.concatenate([np.zeros(1 + shape.H), shape.ages])
        np.fill_diagonal(part.S, (self.ridge * np.maximum(ages, 1.0) ** self.decay) ** -0.5)

    def carry_memory(
        self,
        old: Shape,
        old_memory: np.ndarray,
        new: Shape,
        new_memory: np.ndarray,
        places: np.ndarray,
    ) -> None:
        """Copy weights and covariance; new inputs start from the prior, new outputs from 0."""
        before = _parts(old_memory, 1 + old.H + old.inputs, old.outputs)
        after = _parts(new_memory, 1 + new.H + new.inputs, new.outputs)
        self.start_memory(new, new_memory)
        n = 1 + old.H
        kept = np.concatenate([np.arange(n), n + places])
        after.W[np.ix_(np.arange(old.outputs), kept)] = before.W
        after.S[np.ix_(kept, kept)] = before.S
        after.told[: old.outputs], after.told[-1] = before.told[:-1], before.told[-1]


class _Parts(NamedTuple):
    """What the memory holds, n = 1 + H + inputs."""

    W: np.ndarray  # (outputs, n)
    phi: np.ndarray  # (n,): scratch
    f: np.ndarray  # (n,): scratch, Sᵀ φ
    gain: np.ndarray  # (n,): scratch, P φ
    S: np.ndarray  # (n, n): P = S Sᵀ
    told: np.ndarray  # (outputs + 1,): samples that told each output, and all samples, forgetting


@glue
def _parts(memory, n, outputs):
    at = outputs * n
    return _Parts(
        matrix(memory, 0, outputs, n),
        vector(memory, at, n),
        vector(memory, at + n, n),
        vector(memory, at + 2 * n, n),
        matrix(memory, at + 3 * n, n, n),
        vector(memory, at + 3 * n + n * n, outputs + 1),
    )


@kernel
def _dot(weights, values):
    standalone()
    total = values.dtype.type(0)
    for j in range(values.size):
        total += weights[j] * values[j]
    return total


@kernel
def _dot_bounded(weights, values, bound):
    standalone()
    total = values.dtype.type(0)
    most = values.dtype.type(bound)
    for j in range(values.size):
        total += weights[j] * min(max(values[j], -most), most)
    return total


@read.register(RLS)
def _(head, parameters, memory, h, x, z):
    n = 1 + h.size + x.size
    for k in range(z.size):
        at = k * n
        of_state, of_input = vector(memory, at + 1, h.size), vector(memory, at + 1 + h.size, x.size)
        z[k] = memory[at] + _dot(of_state, h) + _dot_bounded(of_input, x, head.bound)


@send_back.register(RLS)
def _(head, parameters, memory, h, x, d_z, d_h, gradient):
    standalone()
    n, H = 1 + h.size + x.size, h.size
    for j in range(H):
        d_h[j] = 0
    for k in range(d_z.size):
        weights, error = vector(memory, k * n + 1, H), d_z[k]
        for j in range(H):
            d_h[j] += error * weights[j]


@learn.register(RLS)
def _(head, team, loss, parameters, memory, h, x, target, z, d_z):
    if not _write_slope(head, loss, parameters, memory, h, x, target, z, d_z):
        return
    part = _parts(memory, 1 + h.size + x.size, z.size)
    _write_inputs(h, x, head.bound, part.phi)
    length = direction(team, part.S, part.phi, part.f)
    r = length * length
    if not 0.0 < r < math.inf:
        return
    weight = np.float64(target[target.size - 1])
    bend = curvature(loss, z, target)
    left = 1.0 / (head.forgetting / r + weight * bend)
    shorten(team, 1.0 - math.sqrt(left / r), part.f, part.S, part.gain)
    n = part.phi.size
    _count(head.forgetting, target, part.told)
    for k in range(z.size):
        doubt = _doubt(target, part.told, k)
        # A weight may be so large that its product with anything else is not finite.
        step = -length * doubt * np.float64(d_z[k]) / (1.0 / weight + bend * doubt * r)
        _add(step, part.gain, vector(memory, k * n, n))


@glue
def _count(forgetting, target, told):
    """Count which outputs a sample tells; a class it tells of all."""
    last = told.size - 1
    kept = told.dtype.type(forgetting)
    for k in range(told.size):
        told[k] *= kept
        if k == last or target.size != told.size or target[k] == target[k]:
            told[k] += 1


@glue
def _doubt(target, told, k):
    """Return how many times as uncertain an output is as P says, which all outputs share.

    One that is told in every tenth sample knows a tenth of what the inputs' past could have told.
    """
    if target.size != told.size or not told[k] > 0.0:
        return 1.0
    return np.float64(told[told.size - 1]) / np.float64(told[k])


@glue
def _write_slope(head, loss, parameters, memory, h, x, target, z, d_z):
    """Write outputs and slope, 0 for targets that are not known; say if there is what to learn."""
    read(head, parameters, memory, h, x, z)
    slope(loss, z, target, d_z)
    any_known = False
    for k in range(target.size - 1):
        if target[k] == target[k]:
            any_known = True
        else:
            d_z[k] = 0
    for k in range(z.size):
        any_known &= abs(d_z[k]) < math.inf  # outputs that have overflown would spoil W for good
    return any_known


@glue
def _write_inputs(h, x, bound, phi):
    phi[0] = 1
    copy(h, h.size, vector(phi, 1, h.size))
    most = x.dtype.type(bound)
    for i in range(x.size):
        phi[1 + h.size + i] = min(max(x[i], -most), most)


@kernel
def _add(factor, gain, weights):
    standalone()
    step = gain.dtype.type(factor)
    for j in range(gain.size):
        weights[j] += step * gain[j]
