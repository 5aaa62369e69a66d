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
        default), ``"adamw"``, ``"obgd"`` (bounded steps), ``"intentional"`` (each step a share of
        the error), or an optimizer from `streamrnn.optimizers`.
    lr
        Learning rate, or a schedule from ``river.optim.schedulers``; None takes the optimizer's
        default, 0.002 for Adam. If most updates are clipped (see `counters`), or the error grows
        with time, try a lower one. Only for an optimizer given by name.
    clip_norm
        Greatest norm of the gradient over all parameters, None for no limit. 1 keeps a spike from
        undoing what was learnt. ``"auto"``: the 10th percentile of the norms so far, so that most
        gradients have the same norm (AutoClip, Seetharaman et al. 2020).
    clip_value
        Greatest magnitude of an entry of the gradient, applied before `clip_norm`; None for no
        limit.
    clip_units
        Greatest norm of the gradient of one unit's weights as a share of their own norm, such as
        0.01, applied between the two; biases and the head are left alone (Brock et al. 2021). None
        for no limit.
    l2
        Adds l2 / 2 times the squared norm of all parameters to the loss.
    l1
        Soft-thresholds all parameters by lr * l1 after each update.
    weight_decay
        Shrinks all parameters by lr * weight_decay before each update, apart from the gradient;
        None takes the optimizer's (0.01 for AdamW, otherwise 0).
    l2_init
        Adds l2_init times the squared distance from the initial weights to the loss, to keep a
        network able to learn (Kumar et al. 2023). Weights that come with new inputs and outputs
        have their own; those from `set_weights` count as initial. Takes the memory of one more copy
        of the parameters.
    shrink, perturb
        After each update all parameters are multiplied by 1 - shrink, and uniform noise of standard
        deviation perturb is added, whatever the learning rate (after Ash & Adams 2020, who did so
        once in a while). The seed and the number of the update give the noise.
    loss
        {losses}, or a loss from `streamrnn.losses`, such as ``{example}``.
    head
        Read-out of the hidden state: ``"linear"``; ``"linear_skip"``, of the features too;
        ``"rls"``, by recursive least squares; or a head from `streamrnn.heads`.
    init
        ``"default"``: orthogonal recurrent weights, forget bias 1, zero head. ``"torch"``: as
        ``torch.nn`` draws them.
    scale_inputs
        Standardise each feature by its running mean and variance, the current value included. A
        missing one counts as its mean; so does one beyond 1e100 (1e10 where this is off).
{scale_target}    scale_clip
        Standard deviations from the running mean, beyond which a value counts as at that distance:
        for the scaling, as an input and as a target to learn from; and no prediction lies further
        off (no predicted change, where changes are predicted). One spike then spoils nothing, and a
        level that stays is followed within some hundred samples. Rarer peaks than one in the square
        of it are taken for spikes. More than 1; None takes every value as it is.
    scale_memory
        Samples that the scaling rests on: once so many were seen, older ones fade. 500 helps where
        levels drift, 4 % on the mean of eight streams. None, the default, for all of the past.
{lagged_target}    max_features
        Features that get a column at most, so that a stream whose names never end does not fill the
        memory; later ones are passed over, with one warning. None for any number. The memory of
        ``head="rls"`` is the square of its inputs: 16 MiB with 1000 features, and gigabytes where
        as many targets come with them, so give less there.
{limit}{drift}    dtype
        ``"float32"``, or ``"float64"`` at two to four times the time.
    seed
        Seed of the initial weights: same seed, same stream, same bits. None draws one, which is for
        the members of an ensemble: clones of a seeded model all start alike.
"""

_RAISES = """Raises
    ------
    ValueError
        If a parameter is out of range or two do not go together; the message names them.
    TypeError
        If a parameter is of the wrong type."""

_SCALE_TARGET = """    scale_target
        Standardise the target by its running mean and variance.
    predict_change
        Predict the change from the last known target in place of its level, in units of the usual
        change, and never more of it than its predictions were worth so far: the forecast is hardly
        ever worse than the last value. That is taken as it came: after a spike the next forecast
        starts from there, whatever `scale_clip`.
"""


_LIMIT = """    {name}
        {what} that get an output at most; later ones count as unknown, with one warning. None for
        any number.
"""

_LAGGED_TARGET = """    lagged_target
        Feed the last target that is known (of a label: which it was) as a further input, which
        helps where targets resemble those before them and features do not say so: on Elec2, whether
        a price rises, accuracy goes from .84 to .92.
"""

_DRIFT = """    drift_detector
        Detector from ``river.drift`` or ``river.drift.binary``, which is shown the error of each
        prediction; a copy of it works. None, the default, for none.
    drift_action
        What is done when the errors have grown: ``"raise_lr"`` (the learning rate is multiplied by
        3, and goes back to what it was in some hundred samples; or a `RaiseLearningRate`),
        ``"reset_optimizer"``, ``"reset_state"``, or a function that is called with the estimator.
"""


def documented(
    losses: str,
    example: str,
    scale_target: bool = False,
    supervised: bool = True,
    limit: str = "",
) -> Any:
    """Return a class decorator that writes the shared parameters into a docstring.

    Parameters
    ----------
    losses
        What the class says of its losses.
    example
        A loss as an object.
    scale_target, supervised
        Whether the class has that parameter, and those of a supervised estimator.
    limit
        Name of the parameter that bounds its outputs, and what they are called: ``"max_classes
        labels"``.
    """
    name, _, what = limit.partition(" ")
    text = _PARAMETERS.format(
        losses=losses,
        example=example,
        scale_target=_SCALE_TARGET if scale_target else "",
        lagged_target=_LAGGED_TARGET if supervised else "",
        limit=_LIMIT.format(name=name, what=what.capitalize()) if limit else "",
        drift=_DRIFT if supervised else "",
    )

    def document(estimator: type[Estimator]) -> type[Estimator]:
        told = (estimator.__doc__ or "").replace("{parameters}", text.rstrip())
        estimator.__doc__ = told.replace("{raises}", _RAISES)
        return estimator

    return document
