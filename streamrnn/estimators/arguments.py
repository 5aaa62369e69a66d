"""From the constructor's arguments of an estimator to what its model is made of."""

from __future__ import annotations

import math
import secrets
from typing import Any

import numpy as np

from streamrnn import cells, gradients, heads, losses, optimizers
from streamrnn._checks import check_choice, check_count, check_flag, check_number
from streamrnn._registry import resolve
from streamrnn.blueprint import Blueprint
from streamrnn.cells.protocol import forward
from streamrnn.gradients.protocol import backpropagate
from streamrnn.heads.protocol import read
from streamrnn.initialization import SCHEMES
from streamrnn.layout import Sizes
from streamrnn.learner import Plugins
from streamrnn.losses.protocol import slope
from streamrnn.optimizers.protocol import update
from streamrnn.treatment import Further, Usual
from streamrnn.updates import Settings, check_rate

#: `clip_norm` that follows the gradients, and the quantile of their norms that it is then.
AUTO, _QUANTILE = "auto", 0.1


def blueprint_of(
    estimator: Any,
    tasks: tuple[str, ...],
    n_targets: int,
    seed: int | None = None,
    delay: int = 0,
    is_series: bool = False,
) -> Blueprint:
    """Check an estimator's arguments and make a blueprint of them.

    Parameters
    ----------
    estimator
        Has the constructor's arguments under their names.
    tasks
        What the loss may be for.
    n_targets
        Targets or classes that the first model has.
    seed
        Seed of the initial weights in place of the estimator's own; None draws one if that is None
        too.
    delay
        Steps after which targets come: the window is longer by so many.
    is_series
        Whether the targets are the coming values of one series.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or of the wrong type, or two do not go together.
    """
    plugins = _plugins(estimator, tasks)
    shape = _shape(estimator)
    shape = shape._replace(
        n_outputs=plugins.loss.n_outputs(n_targets), truncation=shape.truncation + delay
    )
    settings = _settings(estimator, plugins)
    dtype = _dtype(estimator.dtype)
    check_choice("init", estimator.init, tuple(SCHEMES))
    if seed is None:
        seed = secrets.randbits(63) if estimator.seed is None else estimator.seed
    check_count("seed", seed, 0)
    plugins = plugins._replace(treatment=_treatment(estimator, seed))
    for name in ("scale_inputs", "scale_target", "lagged_target", "predict_change"):
        check_flag(name, getattr(estimator, name, False))
    lagged = bool(getattr(estimator, "lagged_target", False))
    changes = bool(getattr(estimator, "predict_change", False))
    return Blueprint(
        plugins, shape, settings, dtype, estimator.init, seed, lagged, changes, is_series
    )


def _dtype(given: Any) -> str:
    """Return the name of a precision: given by it, or by NumPy's type."""
    # Of nothing else, which may be from a file: NumPy makes types of tuples, and ends the process
    # over some of them.
    name = np.dtype(given).name if isinstance(given, (type, np.dtype)) else given
    check_choice("dtype", name, ("float32", "float64"))
    return str(name)


def _plugins(estimator: Any, tasks: tuple[str, ...]) -> Plugins:
    activations = estimator.activations
    return Plugins(
        cell=resolve("cell", estimator.cell, cells.registry(), forward),
        head=resolve("head", estimator.head, heads.registry(), read),
        loss=loss_of(estimator, tasks),
        optimizer=_optimizer(estimator.optimizer, estimator.lr),
        algorithm=resolve("activations", activations, gradients.registry(), backpropagate),
    )


def _optimizer(given: Any, lr: Any) -> Any:
    optimizer = resolve("optimizer", given, optimizers.registry(), update)
    if lr is not None:
        if not isinstance(given, str):
            raise ValueError(
                f"lr={lr!r} is given and optimizer={given!r} has its own lr; give one of them"
            )
        optimizer = optimizer._replace(lr=lr)
    if isinstance(optimizer.lr, type):
        raise TypeError(f"lr must be a number or a schedule, got the class {optimizer.lr!r}")
    if not hasattr(optimizer.lr, "get"):
        check_number("lr", optimizer.lr, 0.0)
        check_rate("lr", optimizer.lr)
    return optimizer


def loss_of(estimator: Any, tasks: tuple[str, ...]) -> Any:
    """Return an estimator's loss; ValueError if it is for none of the `tasks`."""
    known = losses.registry()
    own = {name: kind for name, kind in known.items() if kind.task in tasks}
    # A known name of another task gets the message on tasks, not that on names.
    is_known = isinstance(estimator.loss, str) and estimator.loss in known
    loss = resolve("loss", estimator.loss, known if is_known else own, slope)
    if loss.task not in tasks:
        raise ValueError(
            f"loss={loss.name!r} is for {loss.task}; {type(estimator).__name__} takes "
            f"{', '.join(map(repr, own))}"
        )
    return loss


def _shape(estimator: Any) -> Sizes:
    counts = ("hidden_size", "num_layers", "truncation", "update_every", "loss_window")
    for name in counts:
        check_count(name, getattr(estimator, name), 1)
    for name in ("update_every", "loss_window"):
        if getattr(estimator, name) > estimator.truncation:
            raise ValueError(
                f"{name}={getattr(estimator, name)} is more than "
                f"truncation={estimator.truncation}: losses older than the window cannot be used"
            )
    return Sizes(**{name: int(getattr(estimator, name)) for name in counts})


def _treatment(estimator: Any, seed: int) -> Any:
    """Return what is done to gradients and weights beyond the settings."""
    if estimator.clip_units is not None:
        check_number("clip_units", estimator.clip_units, 0.0, above=True)
    for name, most in (("l2_init", math.inf), ("shrink", 1.0), ("perturb", 1.0)):
        check_number(name, getattr(estimator, name), 0.0, most=most)
    is_auto = isinstance(estimator.clip_norm, str)  # `_settings` has checked which
    wanted = Further(
        quantile=_QUANTILE if is_auto else 0.0,
        units=float(estimator.clip_units or 0.0),
        l2_init=float(estimator.l2_init),
        shrink=float(estimator.shrink),
        perturb=float(estimator.perturb),
    )
    if wanted == Further():
        return Usual()
    # Seeds may have any number of bits, the key has 64.
    first, second = np.random.SeedSequence(seed).generate_state(2).tolist()
    return wanted._replace(first=float(first), second=float(second))


def _settings(estimator: Any, plugins: Plugins) -> Settings:
    decay = estimator.weight_decay
    if decay is None:
        decay = getattr(plugins.optimizer, "weight_decay", 0.0)
    for name, value in (("l2", estimator.l2), ("l1", estimator.l1), ("weight_decay", decay)):
        check_number(name, value, 0.0)
    limits = {}
    for name in ("clip_norm", "clip_value"):
        limit = getattr(estimator, name)
        if name == "clip_norm" and isinstance(limit, str):
            check_choice(name, limit, (AUTO,))
            limit = None
        if limit is not None:
            check_number(name, limit, 0.0, above=True)
        limits[name] = math.inf if limit is None else float(limit)
    return Settings(
        **limits,
        **_robustness(estimator),
        l2=float(estimator.l2),
        l1=float(estimator.l1),
        weight_decay=float(decay),
        scale_inputs=float(bool(estimator.scale_inputs)),
        scale_target=float(bool(getattr(estimator, "scale_target", False))),
        shrink=float(getattr(plugins.loss, "is_centred", False)),
    )


def _robustness(estimator: Any) -> dict[str, float]:
    """Return how far off a value counts, and how many the scaling rests on; infinite where off."""
    clip, memory = estimator.scale_clip, estimator.scale_memory
    if clip is not None:
        check_number("scale_clip", clip, 1.0, above=True)
    if memory is not None:
        check_count("scale_memory", memory, 2)
        check_number("scale_memory", memory, 2, most=1e12)  # counts are exact in float64
    return {
        "scale_clip": math.inf if clip is None else float(clip),
        "scale_memory": math.inf if memory is None else float(memory),
    }
