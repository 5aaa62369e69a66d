"""Banks and models on the device: what of them is there, and how they are run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from streamrnn.backends.cuda.driver import Driver
from streamrnn.backends.cuda.pipeline import Kind, Rates, Rows, Run
from streamrnn.backends.cuda.residency import Residency
from streamrnn.backends.cuda.unseen import Unseen
from streamrnn.backends.home import Home


class OnDevice(Home):
    """Keeps track of a bank's models, of which some are newer on the device.

    A model goes there when it is run with others, and stays; it comes back when the host needs its
    row. Nothing is done, and no device is looked for, before the first run.
    """

    name = "cuda"
    _residency = Unseen()  # a `Residency`, or None

    def __init__(self) -> None:
        self.driver = Driver()
        self._residency = None

    def hand_over(self, slot: int) -> None:
        """Let the host read and write the row of a slot."""
        if self._residency is not None:
            if self._residency.is_newer(slot):
                self._residency.fetch([slot])
            self._residency.forget([slot])

    def fetch(self, slots: Iterable[int] | None = None) -> None:
        """Let the host read the rows of some slots, or of all."""
        if self._residency is not None:
            self._residency.fetch(slots)

    def forget(self, slot: int) -> None:
        """Let the host write the whole row of a slot."""
        if self._residency is not None:
            self._residency.forget([slot])

    def leave(self) -> None:
        """Have all models in the host's memory, and nothing on the device."""
        self.fetch()
        self._residency = None
        self.driver.drop()

    def run(
        self,
        bank: Any,
        slots: np.ndarray,
        bounds: np.ndarray,
        X: np.ndarray,
        Y: np.ndarray,
        out: np.ndarray,
        task: int,
    ) -> bool:
        """Do as `Bank.run_groups` does, on the device."""
        if self._residency is None:
            self._residency = self._residency_of(bank)
        rows = Rows(slots, bounds, X, Y, out)
        try:
            self.driver.run(self._run_of(bank, self._residency, rows, task))
        finally:
            self.hand_over(bank.slot)  # its row is worked with on the host
        return True

    def _residency_of(self, bank: Any) -> Residency:
        return Residency(bank._rows, bank._kept)

    def _run_of(self, bank: Any, residency: Any, rows: Rows, task: int) -> Run:
        return Run(kind_of(bank), residency, rows, rates_of(bank), task)


def run_block_on_device(
    model: Any, X: np.ndarray, Y: np.ndarray, out: np.ndarray, task: int
) -> None:
    """Run one model over a block of rows on the device, and bring it back.

    One model is one block of threads, so a narrow one is slower there than on the CPU.

    Parameters
    ----------
    model
        A `streamrnn.model.Model`; whoever calls holds its lock. Its ``driver`` is made if there is
        none, and told how long the device worked.
    X, Y, out
        As for `Model.run`.
    task
        `PREDICT`, where nothing but `out` changes, `LEARN` or `OBSERVE`.

    Raises
    ------
    DeviceError
        If there is no device or it fails; the model is as it was then. After another exception,
        such as an interrupt, it has learnt some of the rows, the first ones.
    """
    model._check_block(X, Y, out)
    if model.driver is None:
        model.driver = Driver()
    residency = Residency([model.arena], [model.statistics])
    rows = Rows(np.array([0]), np.array([0, len(X)]), X, Y, out)
    try:
        model.driver.run(Run(kind_of(model), residency, rows, rates_of(model), task))
    finally:  # after an interrupt, too, as on the host; a failure has left nothing to be fetched
        residency.fetch()


def kind_of(model: Any) -> Kind:
    """Return what a bank's models, or a model, have in common with others of the kind."""
    blueprint = model.blueprint
    return Kind(blueprint.kind, model.sizes, blueprint.numbers, model.n_columns)


def rates_of(model: Any) -> Rates:
    """Return the learning rates of a bank's models, or of a model."""
    return Rates(model.blueprint.is_scheduled, model._coming_rates)
