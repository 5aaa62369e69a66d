"""What is done to gradients and weights besides what every update does: `Usual` is nothing.

A plug-in like the others, so that models without these options have no code for them: `Further`
has them all, each with a number that says how strong it is. An update goes through the functions
here in this order: `pull`, `clip_units`, `limit_norm`, the optimizer's step, `disturb`.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import glue, glue_by_type
from streamrnn._registry import plugin
from streamrnn.actions import AddDistance, ScaleColumns, SquareColumns, each, scale_together
from streamrnn.layout import Parts, Sizes, head_weights, initial_parameters, layer_weights, norms
from streamrnn.noise import add_noise
from streamrnn.statistics import UPDATES
from streamrnn.views import address_of, matrix, matrix_at, row, rows, vector
from streamrnn.workspace import Workspace

#: A unit's weights count as no smaller, so that small ones can grow (Brock et al. 2021).
_LEAST_SIZE = 1e-3

#: How fast the quantile of past norms follows: at first by 1 / n, so that a strange start is soon
#: forgotten. From then on it is known to some 10 %, and tenfold norms are followed in 500 updates.
_PACE = 0.05


@plugin(n_initial=0, n_norms=0)
class Usual(NamedTuple):
    """Nothing more."""


class Further(NamedTuple):
    """Further clipping and regularisation; 0 is none.

    Parameters
    ----------
    quantile
        Clip at that quantile of past norms: AutoClip (Seetharaman et al. 2020).
    units
        Clip the gradient of each unit's weights to that share of their norm (Brock et al. 2021).
    l2_init
        Adds l2_init ||θ - θ_0||² to the loss (Kumar et al. 2023).
    shrink, perturb
        θ = (1 - shrink) θ + noise of standard deviation `perturb`, after each update (Ash & Adams
        2020).
    first, second
        The key of the noise, two words of 32 bits.
    """

    quantile: float = 0.0
    units: float = 0.0
    l2_init: float = 0.0
    shrink: float = 0.0
    perturb: float = 0.0
    first: float = 0.0
    second: float = 0.0

    @property
    def n_initial(self) -> int:
        """Copies of the parameters that are kept as they were at first."""
        return 1 if self.l2_init > 0 else 0

    @property
    def n_norms(self) -> int:
        """Numbers that are kept of past norms."""
        return 1 if self.quantile > 0 else 0


@glue_by_type
def pull(treatment: tuple, team: tuple, sizes: Sizes, parts: Parts, gradient: np.ndarray) -> None:
    """Add to the gradient what pulls the parameters to what they were at first."""


@glue_by_type
def clip_units(treatment: tuple, sizes: Sizes, parts: Parts, work: Workspace) -> bool:
    """Clip the gradient of each unit's weights; say whether any was too large.

    A unit is a column of a recurrent layer's weight matrix. Biases and the head are left alone.
    """
    raise NotImplementedError


@glue_by_type
def limit_norm(
    treatment: tuple, sizes: Sizes, limit: float, norm: float, parts: Parts, counters: np.ndarray
) -> float:
    """Return the greatest norm of the gradient, given that of the settings; remember this one."""
    raise NotImplementedError


@glue_by_type
def disturb(
    treatment: tuple, team: tuple, sizes: Sizes, parts: Parts, counters: np.ndarray
) -> None:
    """Shrink and perturb all parameters."""


@pull.register(Usual)
def _(treatment, team, sizes, parts, gradient):
    pass


@clip_units.register(Usual)
def _(treatment, sizes, parts, work):
    return False


@limit_norm.register(Usual)
def _(treatment, sizes, limit, norm, parts, counters):
    return limit


@disturb.register(Usual)
def _(treatment, team, sizes, parts, counters):
    pass


@pull.register(Further)
def _(treatment, team, sizes, parts, gradient):
    if treatment.l2_init > 0.0:
        n = gradient.size
        now, then = matrix(parts.parameters, 0, 1, n), initial_parameters(sizes, parts)
        each(team, AddDistance(2.0 * treatment.l2_init), now, matrix(gradient, 0, 1, n), then)


@clip_units.register(Further)
def _(treatment, sizes, parts, work):
    clipped = False
    if treatment.units > 0.0:
        for layer in range(sizes.num_layers):
            weights = layer_weights(sizes, parts.parameters, layer)
            gradient = layer_weights(sizes, work.gradient, layer)
            clipped |= _clip_columns(treatment.units, weights.inputs, gradient.inputs, work)
            clipped |= _clip_columns(treatment.units, weights.states, gradient.states, work)
    return clipped


@glue
def _clip_columns(bound, weights, gradient, work):
    # Neither is needed any more in this update.
    columns = weights.shape[1]
    sizes, factors = vector(work.pre, 0, columns), vector(row(work.deltas, 0), 0, columns)
    # But for the last row: that is the bias.
    n = weights.shape[0] - 1
    own, mine = matrix(sizes, 0, 1, columns), matrix(factors, 0, 1, columns)
    each(work.team, SquareColumns(), rows(weights, n), own, own)
    each(work.team, SquareColumns(), rows(gradient, n), mine, mine)
    real, clipped = sizes.dtype.type, False
    for j in range(columns):
        size, slope = math.sqrt(sizes[j]), math.sqrt(factors[j])
        limit = real(bound) * (size if size > _LEAST_SIZE else real(_LEAST_SIZE))
        factors[j] = limit / slope if slope > limit else real(1)
        clipped |= slope > limit
    if clipped:
        each(work.team, ScaleColumns(), rows(gradient, n), mine, mine)
    return clipped


@limit_norm.register(Further)
def _(treatment, sizes, limit, norm, parts, counters):
    if treatment.quantile == 0.0:
        return limit
    known = norms(sizes, parts)
    usual = np.float64(known[0])
    if norm > 0.0:  # the first target may be the mean by definition, and tells nothing
        usual = _follow(usual, norm, treatment.quantile, 1.0 / (1.0 + counters[UPDATES]))
        known[0] = usual
    return usual if usual > 0.0 else limit


@glue
def _follow(usual, norm, quantile, first):
    """Return the usual norm after another one."""
    if usual == 0.0:
        return norm
    pace = first if first > _PACE else _PACE
    below = 1.0 if norm < usual else 0.0
    return usual * math.exp(pace * (quantile - below))


@disturb.register(Further)
def _(treatment, team, sizes, parts, counters):
    if treatment.shrink > 0.0 or treatment.perturb > 0.0:
        place = np.int64(0)
        for layer in range(sizes.num_layers):
            weights = layer_weights(sizes, parts.parameters, layer)
            place = _disturb_block(treatment, team, weights.inputs, counters, place)
            place = _disturb_block(treatment, team, weights.states, counters, place)
        head = head_weights(sizes, parts.parameters)
        _disturb(treatment, team, head, counters, place)


@glue
def _disturb_block(treatment, team, weights, counters, place):
    values = row(matrix_at(address_of(weights), 1, weights.size, weights.dtype.type(0)), 0)
    return _disturb(treatment, team, values, counters, place)


@glue
def _disturb(treatment, team, values, counters, place):
    """Shrink and perturb some parameters; return the place of the next ones.

    Not the gaps between the blocks: what is in there has to stay 0.
    """
    scale_together(team, 1.0 - treatment.shrink, values)
    if treatment.perturb > 0.0:
        number: Any = np.int64(counters[UPDATES]) & 0xFFFFFFFF
        first: Any = np.int64(treatment.first)
        second: Any = np.int64(treatment.second)
        add_noise(team, values, treatment.perturb, number, place, first, second)
    return place + (values.size + 1) // 2
