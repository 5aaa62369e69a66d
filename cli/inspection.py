"""What ``streamrnn inspect`` finds out about a model, as plain data."""

import inspect
import json
import math
from collections.abc import Iterable
from typing import Any

import click

from . import checkpoint
from .errors import shown
from .findings import as_text
from .inspect import InspectSettings
from .loading import Loaded, load
from .report import without_nan
from .suggestions import did_you_mean

#: Keys that are listed; there may be a million.
KEYS_SHOWN = 20

#: What part of the newest gradient is still counted as reaching back.
REACHED = 0.01


def run(settings: InspectSettings) -> None:
    """Load a model and say what it is."""
    loaded = load(settings.model)
    found = describe(settings.model, loaded, settings.key)
    if settings.json:
        click.echo(json.dumps(without_nan(found), indent=2))
    else:
        click.echo(as_text(found))


def describe(path: str, loaded: Loaded, key: str | None = None) -> dict[str, Any]:
    """Gather what there is to tell about the model in a file, or about one key's.

    Raises
    ------
    click.UsageError
        If a key was asked for that there is not.
    """
    about: dict[str, Any] = {"file": path, "bytes": loaded.bytes, "format": loaded.format}
    if loaded.run is not None:
        about["run"] = checkpoint.brief(path, loaded.run)
    model = loaded.model
    if not hasattr(model, "extract"):
        if key is not None:
            raise click.UsageError(f"{path!r} has one model, not one for each key: leave out --key")
        return about | _of_estimator(model)
    if key is not None:
        place = key_named(key, model)
        return about | {"key": _plain(place)} | _of_estimator(model.extract(place))
    keys = list(model)
    return about | {
        **_of_class(model),
        "model": _of_class(model.model),
        "counters": dict(model.counters),
        "n_keys": len(keys),
        "keys": [_plain(one) for one in keys[:KEYS_SHOWN]],
    }


def key_named(name: str, keys: Iterable[Any]) -> Any:
    """Return the key that a user writes so: itself if it is text, else as Python shows it.

    Of several columns the values may be written with commas between them.

    Raises
    ------
    click.UsageError
        If there is none.
    """
    named: dict[str, Any] = {}
    for key in keys:
        if key == name:
            return key
        named.setdefault(str(key), key)
        if isinstance(key, tuple):
            named.setdefault(",".join(map(str, key)), key)
    if name in named:
        return named[name]
    hint = did_you_mean(name, named) or "Without --key some of the keys are listed."
    raise click.UsageError(f"there is no model of the key {shown(name)}. {hint}")


def _of_class(model: Any) -> dict[str, Any]:
    """Tell the class of an estimator, and the arguments that are not the defaults."""
    changed = {}
    for name, parameter in inspect.signature(type(model).__init__).parameters.items():
        if name in ("self", "model"):
            continue
        value = getattr(model, name)
        if repr(value) != repr(parameter.default):
            changed[name] = _plain(value)
    return {"class": type(model).__name__, "arguments": changed}


def _of_estimator(model: Any) -> dict[str, Any]:
    found = _of_class(model) | {"features": [_plain(name) for name in model.feature_names]}
    for names in ("labels", "target_names"):
        if hasattr(model, names):
            found[names] = [_plain(name) for name in getattr(model, names)]
    profile = model.gradient_profile()
    return found | {
        "counters": dict(model.counters),
        "memory_bytes": model._raw_memory_usage,
        "gradient": [_of_gradient(norms.tolist()) for norms in profile],
        "gate_saturation": model.gate_saturation(),
        "weights": {
            name: {what: _plain(value) for what, value in block.items()}
            for name, block in model.weight_health().items()
        },
    }


def _of_gradient(norms: list[float]) -> dict[str, Any]:
    """Tell how far back a layer's gradient reaches, and how much larger it gets on the way.

    ``reach`` is the first lag from which all norms are below a hundredth of the newest, None if
    there is none.
    """
    newest = norms[0] if norms else 0.0
    if not newest or not all(map(math.isfinite, norms)):
        return {"norms": norms, "reach": None, "growth": None}
    reach = len(norms)
    while norms[reach - 1] < REACHED * newest:
        reach -= 1
    return {
        "norms": norms,
        "reach": reach if reach < len(norms) else None,
        "growth": max(norms) / newest,
    }


def _plain(value: Any) -> Any:
    """Return what JSON can say of a value: itself, or what Python shows of it."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return repr(value)
