"""Build the network that the options describe."""

import re
import time
from collections.abc import Iterable
from typing import Any

import click

from .settings import Settings, Task


def build_network(settings: Settings, task: Task) -> Any:
    """Return a fresh estimator; options that do not fit together are a usage error."""
    import streamrnn

    kind = streamrnn.RNNRegressor if task == "regression" else streamrnn.RNNClassifier
    try:
        return kind(**parameters(settings))
    except ValueError as error:
        raise click.UsageError(as_options(str(error), parameters(settings))) from None
    except MemoryError:
        raise click.UsageError("a network of that size does not fit into memory.") from None


def as_options(message: str, names: Iterable[str]) -> str:
    """Call these parameters in a message what the command line calls them.

    Examples
    --------
    >>> as_options("update_every=8 is more than truncation=4", ["truncation", "update_every"])
    '--update-every=8 is more than --truncation=4'
    """
    for name in names:
        message = re.sub(rf"\b{name}(?==| must)", "--" + name.replace("_", "-"), message)
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
    }


def title(settings: Settings) -> str:
    """Return a short name for the table.

    Examples
    --------
    >>> title(Settings(cell="gru", hidden_size=16, num_layers=2))
    'gru, 2 x 16 units'
    """
    layers = f"{settings.num_layers} x " if settings.num_layers > 1 else ""
    return f"{settings.cell}, {layers}{settings.hidden_size} units"


def warm_up(model: Any, task: Task) -> float:
    """Have the model's code compiled, or loaded, on a throw-away copy; return the seconds.

    That happens once on a machine and must not count as time a sample.
    """
    import numpy as np

    started = time.perf_counter()
    y = np.array([0.0, 1.0]) if task == "regression" else np.array(["a", "b"], dtype=object)
    model.clone().replay(np.zeros((2, 1)), y, features=["x"])
    return time.perf_counter() - started
