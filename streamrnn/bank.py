"""Many models of one blueprint: their numbers are rows of large arrays, and learn in parallel."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any

import numpy as np

from streamrnn.backends import cpu
from streamrnn.backends.home import HOME, Home
from streamrnn.backends.places import home_of
from streamrnn.blueprint import Blueprint
from streamrnn.cutting import pieces_of, tasks_of
from streamrnn.growth import carry_common, carry_own, carry_statistics
from streamrnn.layout import Sizes, arena_parts, common_size, n_parameters
from streamrnn.learner import LEARN
from streamrnn.model import Model
from streamrnn.pages import Pages
from streamrnn.parallel import Crew
from streamrnn.running import halves
from streamrnn.statistics import UPDATES
from streamrnn.views import aligned_zeros

#: The slot of a model that has learnt nothing, and one for a model that is only looked at.
FRESH, GUEST = 0, 1

#: Tasks for each thread, so that the last ones end at about the same time.
_TASKS_A_THREAD = 8

#: Rows x parameters x truncation below which threads are not worth their start: a millisecond.
_WORK_FOR_THREADS = 1 << 24


class Bank(Model):
    """Models of one size, each in a slot; the selected one is used like any `Model`.

    All have the same inputs and outputs: room that one of them needs is made for all, and a model
    that never saw an input takes it for missing.

    Parameters
    ----------
    blueprint
        What each model is made of.
    """

    _place: Home = HOME
    _home_of = staticmethod(home_of)

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self.slot = FRESH
        self._fresh = Model(blueprint)
        self._free: list[int] = []
        self._n_slots = 2  # given out so far, those that are free again among them
        self._make_pages()
        self._prepare()

    @property
    def arena(self) -> np.ndarray:  # type: ignore[override]
        """View of the selected model's row."""
        return self._rows[self.slot]

    @property
    def statistics(self) -> np.ndarray:  # type: ignore[override]
        """View of the selected model's statistics."""
        return self._kept[self.slot]

    @property
    def backend(self) -> str:
        """What runs many models at once: ``"cpu"``, or ``"cuda"``; a copy begins with ``"cpu"``.

        The selected model is always run by the CPU. On setting, all models come to the host's
        memory; a device is looked for when they are run.
        """
        return self._place.name

    @backend.setter
    def backend(self, name: str) -> None:
        if name != self.backend:
            place = self._home_of(name)
            try:
                self._place.leave()
            finally:  # whatever became of the device, the host's models are there
                self._place = place

    @property
    def driver(self) -> Any:
        """What runs the models on a device; its ``seconds`` are the device's. None on the CPU."""
        return self._place.driver

    # --- what a row holds: the whole arena

    def _row_of_fresh(self) -> np.ndarray:
        """Return what is in the row of a model that has learnt nothing."""
        return self._fresh.arena

    def _locate(self, row: Any) -> tuple[Any, Any]:
        """Return the addresses of an arena's halves, given the address of its row."""
        return row, row + self._to_own

    def _carry_row(self, old: Sizes, row: np.ndarray, slot: int) -> None:
        """Copy a row of a model of `old` sizes into a slot; the rest stays."""
        before = arena_parts(old, *halves(old, row))
        after = arena_parts(self.sizes, *halves(self.sizes, self._rows[slot]))
        carry_common(self.plugins, old, before, self.sizes, after)
        carry_own(self.plugins, old, before, self.sizes, after)

    # --- slots

    def select(self, slot: int) -> None:
        """Make the model in a slot the one that is worked with."""
        self._place.hand_over(slot)
        self.slot = slot
        address = self._address[0]
        address[0], address[1] = self._locate(self._rows.address(slot))
        address[2] = self._kept.address(slot)

    def take(self) -> int:
        """Return the slot of a new model."""
        if self._free:
            slot = self._free.pop()
        else:
            slot = self._n_slots
            self._reach(slot + 1)
            self._n_slots += 1
        self.clear(slot)
        return slot

    def clear(self, slot: int) -> None:
        """Put a new model in a slot."""
        self._place.forget(slot)
        self._rows[slot][:], self._kept[slot][:] = self._rows[FRESH], self._kept[FRESH]

    def alone(self) -> Model:
        """Return a copy of the selected model that is in no bank."""
        model = Model(self.blueprint)
        model.grow(self.sizes.n_inputs, self.sizes.n_outputs)
        model.arena[:] = np.concatenate(self._halves)
        model.statistics[:] = self.statistics
        model.rate_factor = self.rate_factor
        return model

    def release(self, slot: int) -> None:
        """Let a slot be used again."""
        self._place.forget(slot)
        self._free.append(slot)

    def contents(self, slot: int) -> tuple[np.ndarray, np.ndarray]:
        """View the numbers of a model, to read them: its row, and its statistics."""
        self._place.fetch((slot,))
        return self._rows[slot], self._kept[slot]

    def restore(self, slot: int, sizes: Sizes, row: np.ndarray, statistics: np.ndarray) -> None:
        """Put back what `contents` gave when the models had `sizes`."""
        self._place.forget(slot)
        if sizes == self.sizes:
            self._rows[slot][:], self._kept[slot][:] = row, statistics
        else:
            self.clear(slot)  # what is new is as in a new model
            self._carry_row(sizes, row, slot)
            carry_statistics(sizes, statistics, self.sizes, self._kept[slot])

    def _make_pages(self) -> None:
        fresh = self._row_of_fresh()
        self.sizes = self._fresh.sizes
        self._to_own = common_size(self.sizes) * fresh.itemsize
        self._rows = Pages(fresh.size, self.blueprint.dtype)
        self._kept = Pages(self._fresh.statistics.size, "float64")
        self._reach(self._n_slots)
        self._rows[FRESH][:], self._kept[FRESH][:] = fresh, self._fresh.statistics

    def _reach(self, n: int) -> None:
        self._rows.reach(n)
        self._kept.reach(n)

    def _grow(self, n_inputs: int, n_outputs: int) -> None:
        self._place.leave()
        old, rows, kept = self.sizes, self._rows, self._kept
        self._fresh = copy.deepcopy(self._fresh)
        self._fresh.grow(n_inputs, n_outputs)
        self._make_pages()
        unused = {FRESH, GUEST, *self._free}
        for slot in range(self._n_slots):
            if slot not in unused:
                self.restore(slot, old, rows[slot], kept[slot])
        self._lay_out()

    # --- pickling and copying

    def __getstate__(self) -> dict[str, Any]:
        """Return what the models are; which one was last looked at is no part of that."""
        return self.state_of(range(GUEST + 1, self._n_slots)) | {"free": list(self._free)}

    def state_of(self, others: Iterable[int]) -> dict[str, Any]:
        """Return the state of a bank with these models only, in the slots after `GUEST`."""
        slots = [FRESH, *others]
        self._place.fetch(slots)
        return {
            "fresh": self._fresh,
            "free": [],
            **{name: getattr(self, name) for name in self.PLAIN},
            "rows": np.array([self._rows[slot] for slot in slots]),
            "kept": np.array([self._kept[slot] for slot in slots]),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._fresh = state["fresh"]
        self.blueprint = self._fresh.blueprint
        self._free, self._n_slots = list(state["free"]), len(state["rows"]) + 1
        self.slot = FRESH
        self._make_pages()
        slots = [slot for slot in range(self._n_slots) if slot != GUEST]
        for slot, row, kept in zip(slots, state["rows"], state["kept"], strict=True):
            self._rows[slot][:], self._kept[slot][:] = row, kept
        self._prepare()
        for name in self.PLAIN:
            setattr(self, name, state[name])

    # --- many at once

    def run_groups(
        self,
        slots: np.ndarray,
        bounds: np.ndarray,
        X: np.ndarray,
        Y: np.ndarray,
        out: np.ndarray,
        n_threads: int,
        task: int = LEARN,
    ) -> None:
        """Let many models predict and learn, each from rows of its own, in their order.

        The numbers do not depend on the threads: no two models have anything in common.

        Parameters
        ----------
        slots
            The models, (n,), none of them twice.
        bounds
            Model i has the rows bounds[i] to bounds[i + 1], (n + 1,), int64.
        X, Y, out
            As for `run`.
        n_threads
            Threads at most.
        task
            `LEARN`, or `OBSERVE`, where nothing is learnt.
        """
        self._check_block(X, Y, out)
        if self._place.run(self, slots, bounds, X, Y, out, task):
            return
        call = self._call._replace(
            inputs=cpu.address(X), targets=cpu.address(Y), out=cpu.address(out), task=task
        )
        # One model has no use for threads that take others; its own helpers, if it is wide, are
        # there where there is one.
        n_threads = self._worthwhile(min(n_threads, len(slots)), len(X))
        workspaces, most = self._workspaces(n_threads), self._samples_a_call
        # The threads have models of their own to work at: no helpers within a model.
        run = self._compiled if n_threads == 1 else cpu.run_for(*self._kind, self._n_threads > 1)

        def work(task: slice, stop: threading.Event) -> None:
            with lent(workspaces) as workspace:
                mine = call._replace(workspace=cpu.address(workspace))
                for piece in pieces_of(bounds[task.start : task.stop + 1], most):
                    if not stop.is_set():
                        self._run_piece(run, mine, slots[task], piece)

        with Crew(n_threads) as crew:
            crew.do(work, tasks_of(bounds, n_threads * _TASKS_A_THREAD, most))

    def _worthwhile(self, n_threads: int, rows: int) -> int:
        """Return how many threads so many rows are worth."""
        work = rows * n_parameters(self.sizes) * self.sizes.truncation
        return n_threads if work >= _WORK_FOR_THREADS else 1

    def _workspaces(self, n: int) -> SimpleQueue[np.ndarray]:
        """Return scratch for so many threads."""
        workspaces: SimpleQueue[np.ndarray] = SimpleQueue()
        workspaces.put(self.workspace)
        for _ in range(n - 1):
            workspaces.put(aligned_zeros(self.workspace.size, self.blueprint.dtype))
        return workspaces

    def _run_piece(
        self,
        run: Callable[[np.ndarray], None],
        call: cpu.Call,
        slots: np.ndarray,
        bounds: np.ndarray,
    ) -> None:
        """Run some models on their rows, in one compiled call."""
        models, rates = self._addresses(slots, bounds)
        call = call._replace(
            models=cpu.address(models), bounds=cpu.address(bounds), n_models=len(slots)
        )
        run(cpu.words(call, self.sizes))
        del rates  # its addresses were in use until here

    def _addresses(
        self, slots: np.ndarray, bounds: np.ndarray
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return a row of `cpu.Address` for each slot, and the rates that they point to."""
        table = np.empty((len(slots), len(cpu.Address._fields)), np.int64)
        table[:, 0], table[:, 1] = self._locate(self._rows.addresses(slots))
        table[:, 2] = self._kept.addresses(slots)
        if not self.blueprint.is_scheduled:
            table[:, 3:] = cpu.address(self._rates), 1
            return table, [self._rates]
        done = [int(self._kept[slot][UPDATES]) for slot in slots.tolist()]
        rates = [self._coming_rates(*at) for at in zip(done, np.diff(bounds), strict=True)]
        table[:, 3:] = [(cpu.address(one), one.size) for one in rates]
        return table, rates


@contextmanager
def lent(workspaces: SimpleQueue[np.ndarray]) -> Iterator[np.ndarray]:
    """Lend a workspace to whoever works next."""
    workspace = workspaces.get()
    try:
        yield workspace
    finally:
        workspaces.put(workspace)
