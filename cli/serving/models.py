"""The model to serve: a saved one, or a new one as the options say."""

import os
from typing import Any, cast

import click

from ..loading import load_model
from ..network import build_network, title
from ..settings import Task
from .kinds import Kind, kind_of
from .settings import ServeSettings


def check_save(settings: ServeSettings) -> None:
    """Refuse to save over what is no file of this run, or where nothing can be saved."""
    if settings.save is None:
        return
    folder = os.path.dirname(os.path.realpath(settings.save))
    if not os.path.isdir(folder):
        raise click.UsageError(f"--save: there is no folder {folder!r}.")
    if not os.access(folder, os.W_OK):
        raise click.UsageError(f"--save: the folder {folder!r} cannot be written to.")
    if os.path.isdir(settings.save):
        raise click.UsageError(f"--save: {settings.save!r} is a folder.")
    if settings.model is None or not os.path.exists(settings.save):
        return
    if os.path.realpath(settings.save) != os.path.realpath(settings.model):
        what = f"--save: {settings.save!r} is there already, and --model names another file: "
        raise click.UsageError(
            what + "the model in it would be lost. Remove it, or save elsewhere."
        )


def model_for(settings: ServeSettings) -> tuple[Any, Kind, str, str | None]:
    """Return the model, what its targets are, its name, and a remark if there is one."""
    path = settings.model
    if path is None and settings.save is not None and os.path.exists(settings.save):
        path = settings.save
    if path is None:
        task = cast(Task, settings.task)
        model = build_network(settings.network, task)
        kind = kind_of(model, "the new model")
        _warm_up(model, kind)
        return model, kind, title(model, settings.network), None
    model = load_model(path)
    kind = kind_of(model, path)
    _warm_up(model, kind)
    remark = None
    if settings.model is None:
        learnt = dict(model.counters).get("samples", 0)
        remark = (
            f"going on with {path}, {learnt:,} samples learnt: --cell and the like have no say."
        )
    return model, kind, title(model, settings.network), remark


def described(model: Any) -> dict[str, Any]:
    """Return the model's arguments that are plain values."""
    inner = getattr(model, "model", model)
    return {
        name: value
        for name, value in vars(inner).items()
        if not name.startswith("_") and isinstance(value, bool | int | float | str)
    }


def _warm_up(model: Any, kind: Kind) -> None:
    """Have the code compiled, or loaded, on a throw-away copy: the first client need not wait."""
    from streamrnn import KeyedModel

    if isinstance(model, KeyedModel):  # a sample of it has a key
        return
    copy = model.clone()
    copy.predict_one({"x": 0.0})
    copy.learn_one({"x": 0.0}, kind.example())
