"""One run of ``streamrnn warmup``: use each configuration once, so that its code is kept."""

import os
import platform
import shlex
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from inspect import signature
from itertools import product
from pathlib import Path
from typing import Any

import click

from .console import Console
from .errors import DataError
from .network import as_options
from .suggestions import did_you_mean, listed
from .warmup import WarmupSettings

VARIABLES = ("NUMBA_CACHE_DIR", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")

#: Units from which on several cores work at one sample, and a feature that may tell a key.
WIDE, KEY = 256, "key"

PARAMETERS = ("cell", "loss", "head", "optimizer", "activations", "dtype")

#: The head of weights that are shared, where the usual one has a memory of its own.
SHAREABLE = "linear_skip"

#: What is compiled for unless a task is asked for, and targets that can be told.
BOTH = ("regression", "classification")
TARGETS: dict[str, list[Any]] = {
    "regression": [0.0, 1.0],
    "classification": ["a", "b"],
    "multilabel": [{"a": True}, {"a": False}],
}


def run(settings: WarmupSettings) -> None:
    """Compile what was asked for; say what it took and where it lies."""
    folder = None if settings.cache_dir is None else _use(settings.cache_dir)
    import numba

    import streamrnn

    if numba.config.DISABLE_JIT:
        raise click.UsageError("NUMBA_DISABLE_JIT is set: nothing would be compiled.")
    console = Console(sys.stderr, quiet=False)
    # All are made before the first is compiled: a wrong name is to be told at once.
    models = dict(_models(settings))
    started = time.perf_counter()
    before = streamrnn.cache_info().misses
    for title, model in models.items():
        console.progress(f"{title}: compiling")
        told = _warm_up(model, folder)
        console.clear()
        click.echo(f"{title}: {told}")
    compiled = streamrnn.cache_info().misses - before
    seconds = time.perf_counter() - started
    kinds = "configuration" if len(models) == 1 else "configurations"
    click.echo(f"{len(models)} {kinds}, {compiled} compiled, {seconds:.1f} s")
    _tell_where(streamrnn.cache_info().files, folder)


def _use(cache_dir: str) -> str:
    """Make Numba keep code in this folder; refuse one that cannot be written."""
    if not cache_dir:
        raise click.UsageError("--cache-dir is empty: name a folder.")
    folder = os.path.abspath(cache_dir)
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise click.UsageError(f"cannot write {cache_dir!r}: it is not a folder.")
    try:
        os.makedirs(folder, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise click.UsageError(f"cannot write {cache_dir!r}: {error.strerror}.") from None
    # Numba reads the variable when it is imported, and again whenever it compiles.
    os.environ["NUMBA_CACHE_DIR"] = folder
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = folder
    return folder


def _models(settings: WarmupSettings) -> Iterator[tuple[str, Any]]:
    """Make a model for everything that is to be compiled, with what it is called."""
    if settings.wide:
        os.environ["STREAMRNN_NUM_THREADS"] = "2"  # though there may be one core here
    for names in _configurations(settings):
        title = ", ".join(names)
        yield title, _model(settings, names)
        if settings.wide:
            yield f"{title}, wide", _model(settings, names, WIDE)
        if settings.shared:
            title, model = _shared(settings, names)
            yield f"{title}, shared weights", model


def _shared(settings: WarmupSettings, names: tuple[str, ...]) -> tuple[str, Any]:
    """Make a model with shared weights, with what it is called; of a usual head one that can be."""
    from streamrnn import KeyedModel

    if not settings.head:
        at = PARAMETERS.index("head")
        names = (*names[:at], SHAREABLE, *names[at + 1 :])
    try:
        return ", ".join(names), KeyedModel(_model(settings, names), key=KEY, weights="shared")
    except ValueError as error:
        raise click.UsageError(as_options(str(error), PARAMETERS)) from None


def _configurations(settings: WarmupSettings) -> Iterator[tuple[str, ...]]:
    """Go through the values of `PARAMETERS`, each combination once."""
    from streamrnn import cells

    chosen = tuple(cells.registry()) if settings.all_cells else settings.cell
    for cell, loss in product(dict.fromkeys(chosen), dict.fromkeys(_losses(settings))):
        heads = settings.head or (_usual(_kind(settings, loss), "head"),)
        options = heads, settings.optimizer, settings.activations, settings.dtype
        yield from product((cell,), (loss,), *map(dict.fromkeys, options))


def _losses(settings: WarmupSettings) -> tuple[str, ...]:
    if settings.loss:
        return settings.loss
    tasks = BOTH if settings.task == "both" else (settings.task,)
    return tuple(_usual(_kinds()[task], "loss") for task in tasks)


def _usual(kind: Any, name: str) -> str:
    """Return what a class of estimators takes for a parameter that is not given."""
    return str(signature(kind).parameters[name].default)


def _kinds() -> dict[str, Any]:
    """Return the estimators by their tasks."""
    import streamrnn

    return {
        "regression": streamrnn.RNNRegressor,
        "classification": streamrnn.RNNClassifier,
        "multilabel": streamrnn.RNNMultiLabelClassifier,
    }


def _kind(settings: WarmupSettings, loss: str) -> Any:
    """Return the class of estimators that a loss is compiled for."""
    from streamrnn import losses

    known = losses.registry()
    if loss not in known:
        near = did_you_mean(loss, known) or ""
        raise click.UsageError(
            f"--loss={loss!r} is unknown; known: {listed(known)}. {near}".strip()
        )
    task = known[loss].task if settings.task == "both" else settings.task
    if settings.shared and task not in BOTH:
        raise click.UsageError(f"--shared is for {' and '.join(BOTH)}, not for --loss={loss!r}.")
    return _kinds()[task]


def _model(settings: WarmupSettings, names: tuple[str, ...], units: int = 1) -> Any:
    """Make a small estimator of a configuration."""
    parameters: dict[str, Any] = dict(zip(PARAMETERS, names, strict=True))
    try:
        return _kind(settings, parameters["loss"])(hidden_size=units, truncation=1, **parameters)
    except ValueError as error:
        raise click.UsageError(as_options(str(error), PARAMETERS)) from None


def _warm_up(model: Any, folder: str | None) -> str:
    """Do with a model what users do; say how long its code took."""
    from streamrnn import cache_info

    started, before = time.perf_counter(), cache_info().misses
    x = {"x": 1.0, KEY: 0.0}
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "compiled code is not kept", RuntimeWarning)
        try:
            for target in TARGETS[_task_of(model)]:
                model.predict_one(x)
                model.learn_one(x, target)
        except RuntimeWarning as warning:
            raise _refusal(str(warning), folder) from None
    if cache_info().misses == before:
        return "already compiled"
    return f"{time.perf_counter() - started:.1f} s"


def _task_of(model: Any) -> str:
    from streamrnn import losses

    loss = getattr(model, "model", model).loss
    return str(losses.registry()[loss].task)


def _refusal(warning: str, folder: str | None) -> click.ClickException:
    if folder is not None:
        return DataError(warning.partition(";")[0], source=folder)
    return click.UsageError("no folder for compiled code can be written: give --cache-dir DIR.")


def _tell_where(files: tuple[Path, ...], folder: str | None) -> None:
    """Say where the code lies, how to have it used, and for what it is good."""
    places = sorted({str(path.parent) for path in files})
    if folder is not None:
        elsewhere = [place for place in places if not Path(place).is_relative_to(folder)]
        if elsewhere:
            what = f"the code went to {elsewhere[0]} instead; is NUMBA_CACHE_LOCATOR_CLASSES set"
            raise DataError(f"{what}?", source=folder)
        places = [folder]
    size = sum(path.stat().st_size for path in files) / 2**20
    click.echo(f"The code lies in {' and '.join(places)}, {size:.1f} MiB.")
    # Whatever chose the place and the type of processor has to be the same where it is used.
    chosen = [name for name in VARIABLES if name in os.environ]
    if chosen:
        settings = (f"{name}={shlex.quote(os.environ[name])}" for name in chosen)
        click.echo(f"To use it: {' '.join(settings)}")
    click.echo(f"Warning: {_validity()}; anything else compiles anew.", err=True)


def _validity() -> str:
    """Name all that compiled code depends on."""
    import numba
    from llvmlite import binding

    import streamrnn

    processor = numba.config.CPU_NAME or binding.get_host_cpu_name()
    python = ".".join(platform.python_version_tuple()[:2])
    return (
        f"it is for processors of type {processor}, Python {python}, Numba {numba.__version__} and "
        f"streamrnn {streamrnn.__version__} in {Path(streamrnn.__file__).parent}"
    )
