"""Where a block runs: on the CPU, on a device, or where it is done sooner."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, nullcontext

import numpy as np

from streamrnn._checks import check_choice
from streamrnn.backends import choosing, places
from streamrnn.backends.home import HOME
from streamrnn.backends.slicing import part
from streamrnn.bank import Bank
from streamrnn.fleet import Fleet
from streamrnn.layout import n_parameters
from streamrnn.learner import LEARN, OBSERVE, PREDICT
from streamrnn.model import Model

#: What users may ask for.
BACKENDS = (*places.BACKENDS, "auto")

#: Units below which a single stream is never tried on a device: its steps come one after the other,
#: so they would keep one of the device's many processors busy, which is slower than a core.
_NARROW = 256


def cuda_missing() -> str | None:
    """Say what is missing for ``backend="cuda"``.

    Returns
    -------
    str or None
        One line that says what is missing and how to get it; None if there is a device that can be
        used.

    Examples
    --------
    >>> import streamrnn
    >>> told = streamrnn.cuda_missing()
    >>> told is None or len(told.splitlines()) == 1
    True
    """
    from streamrnn.backends.cuda import device

    return device.available()


def check_backend(backend: str) -> None:
    """Raise ValueError unless there is such a backend."""
    check_choice("backend", backend, BACKENDS)


def check_ready(backend: str) -> None:
    """Raise DeviceError if the backend needs a device and there is none."""
    if backend == "cuda":
        from streamrnn.backends.cuda import device

        device.check()


def run_groups(
    bank: Bank,
    backend: str,
    slots: np.ndarray,
    bounds: np.ndarray,
    X: np.ndarray,
    Y: np.ndarray,
    out: np.ndarray,
    n_threads: int,
    task: int = LEARN,
) -> None:
    """Do as `Bank.run_groups` does, on a backend.

    Parameters
    ----------
    bank
        The models.
    backend
        One of `BACKENDS`.
    slots, bounds, X, Y, out, n_threads, task
        As of `Bank.run_groups`; ``bounds`` begin at 0.

    Raises
    ------
    DeviceError
        If the device fails; the models are as they were when they were last brought back.
    """

    def run(where: str, first: int, last: int) -> None:
        if where == "cuda":
            bank.backend = "cuda"
        is_away = where == "cpu" and bank.backend == "cuda"
        with _on_cpu(bank, slots) if is_away else nullcontext():
            if last - first == len(X):
                bank.run_groups(slots, bounds, X, Y, out, n_threads, task)
                return
            models, limits, rows = part(bounds, first, last)
            made = np.empty((len(rows), out.shape[1]))
            bank.run_groups(slots[models], limits, X[rows], Y[rows], made, n_threads, task)
            out[rows] = made

    _route(bank, backend, (len(X), len(slots), n_threads, task), run)


@contextmanager
def _on_cpu(bank: Bank, slots: np.ndarray) -> Iterator[None]:
    """Let the CPU run some models of a bank; the others stay where they are."""
    place = bank._place
    place.share()
    place.fetch(slots)
    for slot in slots.tolist():
        place.forget(slot)
    bank._place = HOME
    try:
        yield
    finally:
        bank._place = place


def run_block(
    model: Model, backend: str, task: int, X: np.ndarray, Y: np.ndarray, out: np.ndarray
) -> None:
    """Do as `Model.run` and `Model.observe` do, on a backend.

    A row alone stays on the CPU, and so do rows that are only predicted: to move the model there
    and back would take longer.

    Parameters
    ----------
    model
        The model.
    backend
        One of `BACKENDS`.
    task
        `LEARN`, `OBSERVE` or `PREDICT`.
    X, Y, out
        As of `Model.run`.

    Raises
    ------
    DeviceError
        If the device fails; the model is as it was before the piece of the block that failed.
    """

    def run(where: str, first: int, last: int) -> None:
        rows = slice(first, last)
        if where == "cuda":
            from streamrnn.backends.cuda import models

            models.run_block_on_device(model, X[rows], Y[rows], out[rows], task)
        elif task == OBSERVE:
            model.observe(X[rows], Y[rows], out[rows])
        else:
            model.run(X[rows], Y[rows], out[rows], task == LEARN)

    stays = len(X) < 2 or task == PREDICT
    _route(model, "cpu" if stays else backend, (len(X), 1, 1, task), run)


def _route(
    model: Model,
    backend: str,
    job: tuple[int, int, int, int],
    run: Callable[[str, int, int], None],
) -> None:
    """Run all rows on a backend, or let them be played where they are done sooner."""
    n_rows, n_models, n_threads, task = job
    is_narrow = n_models == 1 and model.sizes.hidden_size < _NARROW
    # Streams that share weights learn in rounds, and a part of all rows would have other ones.
    if backend == "auto" and (is_narrow or isinstance(model, Fleet)):
        backend = "cpu"
    if backend == "auto":
        work = (*_shape(model), n_models.bit_length(), n_threads, task)
        choosing.CHOOSER.play(work, n_rows, n_models, run, cuda_missing)
    else:
        run(backend, 0, n_rows)


def _shape(model: Model) -> tuple[Hashable, ...]:
    """Return what the speed of a model depends on; a feature more makes no other model of it."""
    sizes = model.sizes
    return (
        model.blueprint.kind,
        sizes.hidden_size,
        sizes.num_layers,
        sizes.truncation,
        n_parameters(sizes).bit_length(),
    )
