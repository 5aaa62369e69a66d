"""Threads that help whoever runs a wide model; what they do is compiled, see `team`."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import config

from streamrnn.backends import cpu
from streamrnn.jobs import ALONE, N_FIGURES, SLOT_SIZE
from streamrnn.layout import Sizes
from streamrnn.learner import ASSIST
from streamrnn.parallel import available_cores
from streamrnn.sharing import ABSENT
from streamrnn.views import aligned_zeros

#: Threads at most in one model.
THREADS_VARIABLE = "STREAMRNN_NUM_THREADS"

#: Units that are worth a thread, and a model's units from which on there are helpers at all.
_UNITS_A_THREAD, _LEAST_UNITS = 128, 256

#: Seconds that a helper sleeps before it ends.
_PATIENCE = 2.0

_TEAM, _N_SLOTS = cpu.Call._fields.index("team"), cpu.Call._fields.index("n_slots")


def n_threads(hidden_size: int) -> int:
    """Return how many threads work at one sample of a model with so many units.

    One for every 128 units, but no more than there are cores, or than the environment variable
    ``STREAMRNN_NUM_THREADS`` says; below 256 units there is one.
    """
    if hidden_size < _LEAST_UNITS or config.DISABLE_JIT:
        return 1
    given = os.environ.get(THREADS_VARIABLE, "").strip()
    if not given:
        return min(available_cores(), hidden_size // _UNITS_A_THREAD)
    if not given.isdecimal() or int(given) < 1:
        raise ValueError(f"{THREADS_VARIABLE} must be a number of threads, at least 1: {given!r}")
    return min(int(given), hidden_size // _UNITS_A_THREAD)


class Helpers:
    """Threads that help one model of a kind at a time; a second one runs alone meanwhile.

    They begin when they are first needed. Between two calls that follow closely they wait in
    compiled code; after that they sleep, and after `_PATIENCE` they end, to begin again when
    needed.

    Parameters
    ----------
    kind
        What compiled code depends on.
    n
        How many.
    """

    def __init__(self, kind: tuple[tuple[type, ...], str], n: int) -> None:
        self._entry: Callable[[np.ndarray], None] = cpu.run_for(*kind, True)
        self._n_slots = n + 1
        self._words = aligned_zeros(N_FIGURES + self._n_slots * SLOT_SIZE, "int64")
        self._states = self._words.data[N_FIGURES::SLOT_SIZE]
        self._alone = self._words.data[N_FIGURES + ALONE :]
        self._busy = threading.Lock()
        self._threads: list[threading.Thread | None] = [None] * self._n_slots
        self._bells = [threading.Lock() for _ in range(self._n_slots)]  # rung: not locked
        for bell in self._bells:
            bell.acquire()
        self._comings = threading.Lock()
        self._closing = False

    def run(self, words: np.ndarray) -> None:
        """Call the entry point; helpers come if nobody else has them."""
        if not self._busy.acquire(blocking=False):
            self._entry(words)
            return
        try:
            if self._alone[0] <= 0:
                for place in range(1, self._n_slots):
                    if self._states[place] == ABSENT:
                        self._wake(place)
            words[_TEAM], words[_N_SLOTS] = cpu.address(self._words), self._n_slots
            self._entry(words)
        finally:
            words[_TEAM] = words[_N_SLOTS] = 0
            self._busy.release()

    def _wake(self, place: int) -> None:
        with self._comings:
            if self._threads[place] is None and not self._closing:
                name = f"streamrnn-helper-{place}"
                thread = threading.Thread(target=self._help, args=(place,), name=name, daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no more threads: then it goes without
                    return
                self._threads[place] = thread
            self._ring(place)

    def _ring(self, place: int) -> None:
        """Wake a helper; whoever calls holds `_comings`."""
        if self._bells[place].locked():
            self._bells[place].release()

    def _help(self, place: int) -> None:
        words = cpu.words(
            cpu.Call(
                task=ASSIST,
                team=cpu.address(self._words),
                n_slots=self._n_slots,
                place=place,
            ),
            Sizes(),
        )
        bell = self._bells[place]
        while True:
            if not bell.acquire(timeout=_PATIENCE) or self._closing:
                with self._comings:
                    if self._closing or bell.locked():
                        self._threads[place] = None
                        return
            else:
                self._entry(words)

    def close(self) -> None:
        """Let all helpers end, and wait for that."""
        with self._comings:
            self._closing = True
            threads = [thread for thread in self._threads if thread is not None]
            for place in range(self._n_slots):
                self._ring(place)
        for thread in threads:
            thread.join(1.0)


@cache
def helpers_of(kind: Any, n: int) -> Helpers:
    """Return the helpers of a kind of model."""
    helpers = Helpers(kind, n)
    _ALL.append(helpers)
    return helpers


def run_with_helpers(kind: Any, n: int, words: np.ndarray) -> None:
    """Call the entry point of a kind of wide models with at most `n` helpers."""
    helpers_of(kind, n).run(words)


_ALL: list[Helpers] = []


def _forget() -> None:
    """Forget helpers that are threads of another process."""
    helpers_of.cache_clear()
    _ALL.clear()


@atexit.register
def _close() -> None:
    for helpers in _ALL:
        helpers.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
