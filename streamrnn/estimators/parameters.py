"""The constructor's parameters that all estimators share: their documentation and their keeping."""

from __future__ import annotations

from typing import Any, TypeVar

Estimator = TypeVar("Estimator")

_PARAMETERS = """Parameters
    ----------
    cell
        ``"lstm"`` (the default: the safest on unknown streams), ``"gru"``, ``"rnn"`` (Elman, tanh),
        ``"rnn_relu"``, or a cell from `streamrnn.cells`.
    hidden_size
        Units of a layer.
    num_layers
        Layers, each fed by the hidden state of the one below.
    truncation
        Steps back that the gradient goes (K). Time and memory grow with it in a straight line.
    update_every
        Samples between updates (k1); 1 updates as each sample arrives.
    loss_window
        Newest losses that one update back-propagates (m), each weighted 1 / m. With stored
        activations it must equal `update_every`; with recomputed ones K / 2 to K often learns
        several times better on low-noise series.
    activations
        ``"stored"``: go back through what was computed when each sample arrived (Williams & Peng
        1990); the fastest. ``"recomputed"``: run the window again with today's weights, about twice
        the time, for the exact gradient.
    optimizer
        ``"sgd"``, ``"momentum"``, ``"nesterov"``, ``"rmsprop"``, ``"adagrad"``, ``"adam"`` (the
        default), ``"adamw"``, or an optimizer from
        `streamrnn.optimizers`.
    lr
        Learning rate, or a schedule from ``river.optim.schedulers``; None takes the optimizer's
        default, 0.002 for Adam. If most updates are clipped (see `counters`), or the error grows
        with time, try a lower one. Only for an optimizer given by name.
    clip_norm
        Greatest norm of the gradient over all parameters, None for no limit. 1 keeps a spike from
        undoing what was learnt.
    clip_value
        Greatest magnitude of an entry of the gradient, applied before `clip_norm`; None for no
        limit.
    l2
        Adds l2 / 2 times the squared norm of all parameters to the loss.
    l1
        Soft-thresholds all parameters by lr * l1 after each update.
    weight_decay
        Shrinks all parameters by lr * weight_decay before each update, apart from the gradient;
        None takes the optimizer's (0.01 for AdamW, otherwise 0).
    loss
        {losses}, or a loss from `streamrnn.losses`, such as ``{example}``.
    head
        Read-out of the hidden state: ``"linear"``, or a head from `streamrnn.heads`.
    init
        ``"default"``: orthogonal recurrent weights, forget bias 1, zero head. ``"torch"``: as
        ``torch.nn`` draws them.
    scale_inputs
        Standardise each feature by its running mean and variance, the current value included. A
        missing one counts as its mean; so does one beyond 1e100 (1e10 where this is off).
{scale_target}    dtype
        ``"float32"``, or ``"float64"`` at two to four times the time.
    seed
        Seed of the initial weights: same seed, same stream, same bits. None draws one.

    Raises
    ------
    ValueError
        If a parameter is out of range or two do not go together; the message names them.
    TypeError
        If a parameter is of the wrong type.
"""

_SCALE_TARGET = """    scale_target
        Standardise the target by its running mean and variance.
"""


def documented(losses: str, example: str, scale_target: bool) -> Any:
    """Return a class decorator that writes the shared parameters into a docstring.

    Parameters
    ----------
    losses
        What the class says of its losses.
    example
        A loss as an object.
    scale_target
        Whether the class has that parameter.
    """
    target = _SCALE_TARGET if scale_target else ""
    text = _PARAMETERS.format(losses=losses, example=example, scale_target=target)

    def document(estimator: type[Estimator]) -> type[Estimator]:
        estimator.__doc__ = (estimator.__doc__ or "").replace("{parameters}", text.rstrip())
        return estimator

    return document
