"""Build the network that the options describe, or go on with one that was saved."""

import re
import time
from collections.abc import Iterable
from typing import Any

import click

from .blocks import Block
from .contestants import Network
from .drift import detector
from .settings import Settings, Task


def build_network(settings: Settings, task: Task) -> Any:
    """Return a fresh estimator; options that do not fit together are a usage error."""
    import streamrnn

    kind = streamrnn.RNNRegressor if task == "regression" else streamrnn.RNNClassifier
    try:
        model = kind(**parameters(settings))
        if settings.key is None:
            return model
        return streamrnn.KeyedModel(model, key=settings.key, max_keys=settings.max_keys)
    except ValueError as error:
        raise click.UsageError(as_options(str(error), parameters(settings))) from None
    except MemoryError:
        raise click.UsageError("a network of that size does not fit into memory.") from None


def check_device(settings: Settings) -> None:
    """Refuse to begin on a device that is not there.

    Raises
    ------
    click.UsageError
        Says what is missing.
    """
    if settings.backend != "cuda":
        return

    import streamrnn

    missing = streamrnn.cuda_missing()
    if missing is not None:
        raise click.UsageError(f"--backend cuda: {missing.rstrip('.')}.")


def run_on_backend(model: Any, settings: Settings) -> None:
    """Tell a model of many keys where to run; others are told with each block.

    Raises
    ------
    click.UsageError
        If it cannot run there.
    """
    if settings.key is not None:
        model.backend = settings.backend
    elif settings.backend == "cuda" and model.drift_detector is not None:
        raise click.UsageError(
            "--backend cuda does not go with the model's drift_detector, for which rows are "
            "played one by one: --backend cpu does."
        )


def as_options(message: str, names: Iterable[str]) -> str:
    """Call these parameters in a message what the command line calls them.

    Examples
    --------
    >>> as_options("update_every=8 is more than truncation=4", ["truncation", "update_every"])
    '--update-every=8 is more than --truncation=4'
    """
    for name in names:
        option = "--" + name.replace("_", "-").removesuffix("-detector")
        message = re.sub(rf"\b{name}(?==| must)", option, message)
    return message


def parameters(settings: Settings) -> dict[str, Any]:
    """Return the estimator's parameters as the options give them."""
    return {
        "cell": settings.cell,
        "hidden_size": settings.hidden_size,
        "num_layers": settings.num_layers,
        "truncation": settings.truncation,
        "update_every": settings.update_every,
        # The stored activations of a step serve one update only, so each update takes the
        # losses since the last one.
        "loss_window": settings.update_every,
        "optimizer": settings.optimizer,
        "lr": settings.lr,
        "clip_norm": settings.clip_norm or None,
        "seed": settings.seed,
        **_named(settings),
    }


def _named(settings: Settings) -> dict[str, Any]:
    """Return what has a default of its own for each task, where it is given."""
    found: dict[str, Any] = {"head": settings.head, "loss": settings.loss}
    if settings.drift is not None:
        found["drift_detector"] = detector(settings.drift, settings.seed)
        found["drift_action"] = settings.drift_action
    return {name: value for name, value in found.items() if value is not None}


def described(model: Any, settings: Settings) -> dict[str, Any]:
    """Return the parameters that the model has, as JSON can say them.

    A model that was saved has its own, whatever the options say.
    """
    inner = getattr(model, "model", model)
    found = {name: getattr(inner, name, value) for name, value in parameters(settings).items()}
    return {
        name: value if isinstance(value, str | int | float | None) else type(value).__name__
        for name, value in found.items()
    }


def check_fits(model: Any, settings: Settings, task: Task) -> None:
    """Refuse a saved model that is of another kind than the run.

    Raises
    ------
    click.UsageError
        If it learns something else, or is one model a key where the run is not, or the reverse.
    """
    import streamrnn

    what = type(model).__name__
    if isinstance(model, streamrnn.KeyedModel) != (settings.key is not None):
        if settings.key is None:
            raise click.UsageError(f"the model is a KeyedModel: give --key {model.key!r}.")
        raise click.UsageError(f"the model is one {what}, and not one a key: leave --key out.")
    if settings.key is not None and model.key != settings.key:
        raise click.UsageError(f"the model's key is {model.key!r}, not {settings.key!r} (--key).")
    inner = model.model if settings.key is not None else model
    kind = streamrnn.RNNRegressor if task == "regression" else streamrnn.RNNClassifier
    if not isinstance(inner, kind):
        name = type(inner).__name__
        raise click.UsageError(f"the model is an {name}, which is not for {task} (--task).")


def title(model: Any, settings: Settings) -> str:
    """Return a short name of a network for the table.

    Examples
    --------
    >>> title(None, Settings(cell="gru", hidden_size=16, num_layers=2))
    'gru, 2 x 16 units'
    """
    inner = getattr(model, "model", model)
    cell, layers, units = (
        getattr(inner, name, getattr(settings, name))
        for name in ("cell", "num_layers", "hidden_size")
    )
    name = cell if isinstance(cell, str) else type(cell).__name__
    each = " a key" if settings.key is not None else ""
    return f"{name}, {f'{layers} x ' if layers > 1 else ''}{units} units{each}"


def warm_up(model: Any, settings: Settings, task: Task) -> float:
    """Have the model's code compiled, or loaded, on a throw-away copy; return the seconds.

    That happens once on a machine and must not count as time a sample.
    """
    import numpy as np

    started = time.perf_counter()
    # New labels come one by one, which a device is not asked for: so there are more rows.
    y = np.array([0.0, 1.0] * 2) if task == "regression" else np.array(["a", "b"] * 2, dtype=object)
    network = Network("", model.clone(), not settings.frozen, settings.backend)
    keys = None if settings.key is None else ["a"] * 4
    network.play(Block(("x",), np.zeros((4, 1)), y, range(4), keys=keys))
    return time.perf_counter() - started
