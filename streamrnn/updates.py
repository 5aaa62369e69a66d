"""From a gradient to moved parameters: regularise, clip, check, step."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import compiled_as, glue
from streamrnn.actions import add_together, clamp_together, scale_together
from streamrnn.layout import Parts, Sizes, notes
from streamrnn.linalg import sum_of_squares
from streamrnn.motion import Step
from streamrnn.pacing import is_measured, paced
from streamrnn.statistics import CLIPPED, OPTIMIZER_UPDATES, SKIPPED, UPDATES
from streamrnn.team import move, sum_of_measures
from streamrnn.treatment import clip_units, disturb, limit_norm, pull
from streamrnn.workspace import Workspace

#: A gradient of a greater norm counts as not finite, and a greater learning rate is refused: the
#: squares that optimizers keep, and the steps, must stay within float32.
GREATEST_NORM, GREATEST_RATE = 1e18, 1e4


def check_rate(name: str, rate: float) -> None:
    """Raise ValueError unless `rate` can be a learning rate."""
    if not 0.0 <= rate <= GREATEST_RATE:
        raise ValueError(f"{name} must be between 0 and {GREATEST_RATE:g}, got {rate!r}")


class Settings(NamedTuple):
    """The numbers that steer learning and do not change the layout."""

    clip_norm: float = math.inf  # greatest norm of the gradient over all parameters
    clip_value: float = math.inf  # greatest magnitude of an entry of the gradient
    l2: float = 0.0  # (l2 / 2) ||θ||² is part of the loss
    l1: float = 0.0  # soft threshold of lr * l1 after the step
    weight_decay: float = 0.0  # θ shrinks by lr * weight_decay before the step
    scale_inputs: float = 0.0  # 1: yes
    scale_target: float = 0.0
    scale_clip: float = math.inf  # standard deviations; what is beyond counts as there
    scale_memory: float = math.inf  # samples that the moments rest on
    shrink: float = 0.0  # 1: a predicted change is shrunk


def in_pace(
    optimizer: tuple,
    team: tuple,
    sizes: Sizes,
    step: Step,
    left: float,
    parts: Parts,
    work: Workspace,
) -> Step:
    """Return the step of an optimizer that looks at all parameters first; that of others stays.

    Parameters
    ----------
    optimizer, team, sizes
        As in `apply_gradient`.
    step
        With the rate of the schedule. The gradient is scaled here, since it is measured as clipped.
    left
        What clipping leaves of the gradient's norm.
    parts, work
        As in `apply_gradient`.
    """
    return (
        _in_pace(optimizer, team, sizes, step, left, parts, work)
        if is_measured(optimizer)
        else step
    )


@compiled_as(in_pace)
def _emit_in_pace(optimizer, team, sizes, step, left, parts, work):
    if not is_measured(optimizer.instance_class):
        return lambda optimizer, team, sizes, step, left, parts, work: step
    return lambda optimizer, team, sizes, step, left, parts, work: _in_pace(
        optimizer, team, sizes, step, left, parts, work
    )


@glue
def _in_pace(optimizer, team, sizes, step, left, parts, work):
    scale_together(team, step.shrink, work.gradient)
    total = sum_of_measures(team, optimizer, step, work.gradient, parts.slots)
    rate = paced(optimizer, step.lr, total, work.window, left, notes(sizes, parts))
    return Step(rate, step.number, 1.0, step.kept, step.threshold)


@glue
def apply_gradient(
    plugins: Any,
    sizes: Sizes,
    settings: Settings,
    lr: float,
    counters: np.ndarray,
    parts: Parts,
    work: Workspace,
) -> None:
    """Move the parameters, unless the gradient is not finite: then count and leave them alone.

    The order is: L2 and the pull to the initial weights, clip by value, by units, by norm,
    decoupled weight decay, the optimizer's step, L1 by soft threshold (the proximal step of the L1
    norm), shrink and perturb.

    Parameters
    ----------
    plugins
        The plug-ins of the model: a NamedTuple with ``optimizer`` and ``treatment``.
    sizes
        Of the model.
    settings
        Clipping and regularisation.
    lr
        Learning rate of this update.
    counters
        Updates, clipped and skipped updates are counted here.
    parts
        The arena: the parameters and what the optimizer remembers are written.
    work
        The workspace: the gradient, written; the window's figures; who does it.
    """
    team, parameters, gradient = work.team, parts.parameters, work.gradient
    optimizer, treatment = plugins.optimizer, plugins.treatment
    if settings.l2 != 0.0:
        add_together(team, settings.l2, parameters, gradient)
    pull(treatment, team, sizes, parts, gradient)
    before = math.sqrt(sum_of_squares(team, gradient))
    if not before <= GREATEST_NORM:  # NaN fails every comparison
        counters[SKIPPED] += 1
        return
    norm = before
    clipped = False
    if settings.clip_value < math.inf:
        clipped = clamp_together(team, settings.clip_value, gradient)
    clipped |= clip_units(treatment, sizes, parts, work)
    if clipped:
        norm = math.sqrt(sum_of_squares(team, gradient))
    shrink, limit = 1.0, limit_norm(treatment, sizes, settings.clip_norm, norm, parts, counters)
    if norm > limit:
        shrink = limit / norm
        clipped = True
    if clipped:
        counters[CLIPPED] += 1
    counters[UPDATES] += 1
    counters[OPTIMIZER_UPDATES] += 1
    kept = 1.0 - lr * settings.weight_decay
    step = Step(lr, counters[OPTIMIZER_UPDATES], shrink, kept, lr * settings.l1)
    left = shrink * norm / before if clipped else 1.0
    step = in_pace(optimizer, team, sizes, step, left, parts, work)
    move(team, optimizer, step, parameters, gradient, parts.slots)
    disturb(treatment, team, sizes, parts, counters)
