"""A model that is to stay as it is, and what a checkpoint says of the run that it comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import click

from . import checkpoint
from .cleaning import Cleaner
from .loading import load
from .settings import Settings


@dataclass
class Known:
    """A model from a file.

    Parameters
    ----------
    path
        The file.
    model
        The estimator.
    run
        What a checkpoint has beside it; None for a model that was saved alone.
    """

    path: str
    model: Any
    run: dict[str, Any] | None

    @classmethod
    def load(cls, path: str) -> Known:
        """Read a saved model or a checkpoint.

        Raises
        ------
        DataError
            If there is no such file, or it is neither.
        """
        loaded = load(path)
        return cls(path, loaded.model, loaded.run)

    def adopted(self, settings: Settings) -> Settings:
        """Return settings that say of columns and task what the model and its run say of them.

        What the user says goes before.

        Raises
        ------
        click.UsageError
            If the model is of a kind that does not predict row by row.
        DataError
            If the checkpoint is damaged.
        """
        import streamrnn

        keyed = isinstance(self.model, streamrnn.KeyedModel)
        inner = self.model.model if keyed else self.model
        settings = replace(settings, task=_task(inner))
        if self.run is not None:
            try:
                settings = _of_run(settings, self.run)
            except checkpoint.DISTORTED as error:
                raise checkpoint.damaged(self.path, error) from None
        if keyed and settings.key is None:
            settings = replace(settings, key=self.model.key)
        return settings

    def restore(self, cleaner: Cleaner) -> None:
        """Let a fresh cleaner know the words that the run has seen.

        Raises
        ------
        DataError
            If the checkpoint is damaged.
        """
        if self.run is None:
            return
        try:
            cleaner.restore(self.run["engine"]["cleaner"])
        except checkpoint.DISTORTED as error:
            raise checkpoint.damaged(self.path, error) from None


def _task(model: Any) -> str:
    import streamrnn

    if isinstance(model, streamrnn.RNNRegressor):
        return "regression"
    if isinstance(model, streamrnn.RNNClassifier):
        return "classification"
    what = f"the model is an {type(model).__name__}"
    if type(model).__name__ == "RNNForecaster":
        raise click.UsageError(f"{what}: streamrnn forecast --model goes on with it.")
    raise click.UsageError(f"{what}; predict is for an RNNRegressor, an RNNClassifier, or keys.")


def _of_run(settings: Settings, run: dict[str, Any]) -> Settings:
    """Take over the columns of a run, where the user does not say otherwise."""
    roles, words, before = run["roles"], run["words"], run["settings"]
    ways = (f"{name}=hash:{n}" if n else f"{name}=onehot" for name, n in words.items())
    found = {
        "target": roles["target"],
        "time": roles["time"],
        "key": roles["key"],
        "id": roles["id"],
        "drop": tuple(roles["drop"]),
        "encode": tuple(ways),
        "calendar": tuple(before["calendar"]),
    }
    adopted = {name: value for name, value in found.items() if not getattr(settings, name)}
    assumed = [name for name in ("target", "time") if adopted.get(name)]
    columns = [adopted[name] for name in assumed]
    columns += adopted.get("drop", ())
    if "encode" in adopted:
        columns += words
    return replace(settings, **adopted, assumed=tuple(columns))
