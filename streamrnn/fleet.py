"""Shared weights: one model that learns from many streams at once."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial
from typing import Any

import numpy as np

from streamrnn.backends import cpu, cpu_shared
from streamrnn.backends.cpu_shared import CHUNK, SharedCall
from streamrnn.backends.places import home_of
from streamrnn.bank import Bank, lent
from streamrnn.blueprint import Blueprint
from streamrnn.growth import carry_own
from streamrnn.layout import Sizes, arena_parts, common_size, n_summed
from streamrnn.learner import LEARN, OBSERVE, PREDICT, ROLL
from streamrnn.model import Model
from streamrnn.parallel import Crew
from streamrnn.statistics import CLIPPED, COUNTERS, OPTIMIZER_UPDATES, SKIPPED, UPDATES

#: Chunks of streams for each thread of a round.
_TASKS_A_THREAD = 2


def check_shareable(blueprint: Blueprint) -> None:
    """Raise ValueError if the head learns other than by gradient: there is nothing to average."""
    if blueprint.sized(1, 1).n_head_memory:
        raise ValueError(
            f"head={blueprint.plugins.head.name!r} keeps a memory of its own beside its weights, "
            "which streams cannot share; use head='linear_skip'"
        )


class Fleet(Bank):
    """Streams that share their weights; each has its own state, window and scaling.

    Parameters
    ----------
    blueprint
        What the model is made of.

    Raises
    ------
    ValueError
        If the head learns other than by gradient: there is nothing to average then.
    """

    def __init__(self, blueprint: Blueprint) -> None:
        check_shareable(blueprint)
        self._counted = np.zeros(len(COUNTERS))
        super().__init__(blueprint)

    _home_of = staticmethod(partial(home_of, is_shared=True))

    # --- what a row holds: a stream's own half of the arena; the common one is the fresh model's

    def _row_of_fresh(self) -> np.ndarray:
        self._weights, own = self._fresh._halves
        return own

    @property
    def in_common(self) -> tuple[np.ndarray, np.ndarray]:
        """The common half of the arena, and the counters, as the host's memory has them."""
        return self._weights, self._counted

    @property
    def _common(self) -> np.ndarray:
        """The common half of the arena, the newest."""
        self._place.share()
        return self._weights

    @property
    def _counters(self) -> np.ndarray:
        """What is counted of all streams, the newest."""
        self._place.share()
        return self._counted

    @property
    def _halves(self) -> tuple[np.ndarray, np.ndarray]:
        return self._common, self.arena

    def _locate(self, row: Any) -> tuple[Any, Any]:
        return cpu.address(self._common), row

    def _carry_row(self, old: Sizes, row: np.ndarray, slot: int) -> None:
        # The common half is in no row: any of the right length serves to name the parts.
        before = arena_parts(old, np.zeros(common_size(old), row.dtype), row)
        after = arena_parts(self.sizes, self._common, self._rows[slot])
        carry_own(self.plugins, old, before, self.sizes, after)

    def state_of(self, others: Iterable[int]) -> dict[str, Any]:
        """Do as `Bank.state_of` does, with the counters that all streams have in common."""
        return super().state_of(others) | {"counters": self._counters}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._counted = np.array(state["counters"])
        super().__setstate__(state)

    def alone(self) -> Model:
        """Return a copy of the selected stream with its weights, a model of one stream."""
        model = super().alone()
        for i in (UPDATES, CLIPPED, OPTIMIZER_UPDATES):
            model.statistics[i] = self._counters[i]
        return model

    @property
    def counters(self) -> dict[str, int]:
        """What was counted of the selected stream; updates, and some skipped ones, are of all."""
        own = super().counters
        common = {COUNTERS[i]: int(self._counters[i]) for i in (UPDATES, CLIPPED, SKIPPED)}
        return own | common | {"skipped": own["skipped"] + common["skipped"]}

    @property
    def _updates(self) -> int:
        return int(self._counters[UPDATES])

    def reset_optimizer(self) -> None:
        """Let the optimizer of all streams start again; weights and counters stay."""
        super().reset_optimizer()
        self._counters[OPTIMIZER_UPDATES] = 0

    # --- learning

    def _run_part(
        self, X: np.ndarray, Y: np.ndarray, out: np.ndarray, task: int, age: int = 0
    ) -> None:
        if task in (PREDICT, ROLL, OBSERVE):
            super()._run_part(X, Y, out, task)
            return
        with Crew(1) as crew:
            for t in range(len(X)):
                part = slice(t, t + 1)
                one = np.array([self.slot])
                self._round(crew, one, X[part], Y[part], out[part], task, age)

    def run_one(self, learning: bool) -> None:
        """Do as `run` does with the one sample in ``x``, ``y`` and ``out``."""
        if learning:
            self._run_part(self.x, self.y, self.out, LEARN)
        else:
            self._place.share()
            super().run_one(learning)

    def _do_one(self, task: int, age: int = 0) -> None:
        self._run_part(self.x, self.y, self.out, task, age)

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
        """Let all streams learn together: their first rows, then their second rows, and so on.

        The numbers do not depend on the threads.

        Parameters
        ----------
        slots, bounds, X, Y, out, n_threads, task
            As for `Bank.run_groups`. Streams that only observe have nothing to do with each other.
        """
        if task == OBSERVE:
            super().run_groups(slots, bounds, X, Y, out, n_threads, task)
            return
        self._check_block(X, Y, out)
        if self._place.run(self, slots, bounds, X, Y, out, task):
            return
        lengths = np.diff(bounds)
        n_threads = self._worthwhile(n_threads, len(slots))
        with Crew(n_threads) as crew:
            for k in range(int(lengths.max(initial=0))):
                streams = np.flatnonzero(lengths > k)
                rows = bounds[streams] + k
                some = np.empty((len(rows), out.shape[1]))
                self._round(crew, slots[streams], X[rows], Y[rows], some)
                out[rows] = some

    def _round(
        self,
        crew: Crew,
        slots: np.ndarray,
        X: np.ndarray,
        Y: np.ndarray,
        out: np.ndarray,
        task: int = LEARN,
        age: int = 0,
    ) -> None:
        """Let streams predict and learn from one row each, with one update for all of them."""
        models, _ = self._addresses(slots, np.arange(len(slots) + 1))
        n_sums = -(-len(slots) // CHUNK)
        sums = np.empty((n_sums, n_summed(self.sizes)), self.blueprint.dtype)
        counts = np.zeros(n_sums, np.int64)
        rates = self._coming_rates(self._updates, 1)
        workspaces = self._workspaces(crew.n_threads)
        call = SharedCall(
            settings=self._call.settings,
            n_columns=self.n_columns,
            task=task,
            age=age,
            counters=cpu.address(self._counters),
            rate=cpu.address(rates),
        )
        run = cpu_shared.run_for(*self._kind)

        def gather(chunks: range, stop: threading.Event) -> None:
            streams = slice(chunks.start * CHUNK, chunks.stop * CHUNK)
            mine = call._replace(
                models=cpu.address(models[streams]),
                n_models=len(slots[streams]),
                inputs=cpu.address(X[streams]),
                targets=cpu.address(Y[streams]),
                out=cpu.address(out[streams]),
                sums=cpu.address(sums[chunks.start :]),
                counts=cpu.address(counts[chunks.start :]),
            )
            with lent(workspaces) as workspace:
                run(cpu.words(mine._replace(workspace=cpu.address(workspace)), self.sizes))

        step = -(-n_sums // (crew.n_threads * _TASKS_A_THREAD))
        crew.do(gather, [range(i, min(i + step, n_sums)) for i in range(0, n_sums, step)])
        update = call._replace(
            models=cpu.address(models),
            workspace=cpu.address(self.workspace),
            n_models=1,
            sums=cpu.address(sums),
            counts=cpu.address(counts),
            updating=1,
            n_sums=n_sums,
        )
        run(cpu.words(update, self.sizes))
