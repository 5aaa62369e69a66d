"""Models of River, by their names: those that can be made without arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from ..blocks import Block
from ..contestants import Contestant, LinearBaseline
from ..lags import Lags
from ..settings import Task
from ..suggestions import did_you_mean, listed

if TYPE_CHECKING:
    import numpy as np


class Guest(LinearBaseline):
    """A model of River's that somebody asked for; if it cannot go on, the others do without it.

    Parameters
    ----------
    name, model, lags
        As of a `LinearBaseline`.
    note
        Told why it cannot go on.
    """

    def __init__(self, name: str, model: Any, lags: Lags, note: Callable[[str], None]) -> None:
        super().__init__(name, model, lags)
        self._note = note

    def _run(self, block: Block, predictions: np.ndarray) -> None:
        try:
            super()._run(block, predictions)
        # Whatever a model of others raises is no reason to lose what all the rest have learnt.
        except Exception as error:
            self._diverged = True
            why = f"{type(error).__name__}: {error}".splitlines()[0]
            self._note(f"{self.name} gave up in row {block.numbers[0]:,} or soon after ({why}).")


def guests(
    names: tuple[str, ...], task: Task, lags: Callable[[], Lags], note: Callable[[str], None]
) -> list[Contestant]:
    """Return fresh models, each behind River's `StandardScaler`.

    Parameters
    ----------
    names
        Their classes, as ``HoeffdingTreeRegressor``.
    task
        What they have to be for.
    lags
        Makes memories of the last targets.
    note
        Told of one that cannot go on.

    Raises
    ------
    click.UsageError
        If River has no such model, it is for another task, or needs arguments.
    """
    if not names:
        return []
    from river import multiclass, preprocessing

    found: list[Contestant] = []
    for name in dict.fromkeys(names):
        model = _class_of(name, task)()
        if task == "classification" and not model._multiclass:
            model = multiclass.OneVsRestClassifier(model)
        pipeline = preprocessing.StandardScaler() | model
        found.append(Guest(name, pipeline, lags(), note))
    return found


def _class_of(name: str, task: Task) -> Any:
    import river.api
    from river import base

    kind = base.Regressor if task == "regression" else base.Classifier
    modules = (one for one in vars(river.api).values() if inspect.ismodule(one))
    classes = {
        key: one for module in modules for key, one in vars(module).items() if inspect.isclass(one)
    }
    fitting = {key for key, one in classes.items() if issubclass(one, kind) and _is_simple(one)}
    if name in fitting:
        return classes[name]
    near = did_you_mean(name, fitting) or f"There are {listed(sorted(fitting))}."
    if name not in classes:
        raise click.UsageError(f"--river: River has no model {name!r}. {near}")
    if not issubclass(classes[name], kind):
        raise click.UsageError(f"--river: {name} is no {kind.__name__.lower()}. {near}")
    raise click.UsageError(f"--river: {name} cannot be made without arguments.")


def _is_simple(one: Any) -> bool:
    """Say whether a class needs no arguments."""
    if inspect.isabstract(one):
        return False
    parameters = list(inspect.signature(one.__init__).parameters.values())[1:]
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not p.empty or p.kind in several for p in parameters)
