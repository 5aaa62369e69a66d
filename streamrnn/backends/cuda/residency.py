"""Which rows of a bank are on the device, and which of them are newer there than on the host.

The host's row of a model is always a model, that of the last time it was brought back. Whatever
fails on the device, nothing there is written to the host in part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np

from streamrnn.backends.cuda.memory import DevicePages, allocate_pinned
from streamrnn.backends.errors import DeviceError
from streamrnn.statistics import UPDATES

#: Bytes that are copied at once. Memory of the host that is reached by the device is dear.
_CHUNK_BYTES = 1 << 24

_NOTHING_LOST = "nothing that was learnt before is lost"


class Residency:
    """The device's copy of some rows of the host, each a model's arena and its statistics.

    Parameters
    ----------
    rows, kept
        Give a view of a model's arena and of its statistics, (columns,), by its slot.
    like
        A slot that there is, for the length of all.
    """

    #: What is said of so many rows that were newer on the device.
    _LOST = "{} models are"

    def __init__(self, rows: Any, kept: Any, like: int = 0) -> None:
        self._host = rows, kept
        self._like = like
        #: Whether a launch was begun and has not come back, so that nobody knows what it has done.
        self.is_torn = False
        #: Whether anything was launched since `guarded` was entered.
        self.has_launched = False
        self._start()

    def _start(self) -> None:
        """Have nothing on the device."""
        # Each slot's two: whether it is right on the device, and whether it is right only there.
        # In one, since an interrupt may come between two.
        self._flags = np.zeros((2, 0), bool)
        views = [host[self._like] for host in self._host]
        self._pages = [DevicePages(view.size, view.dtype) for view in views]
        self._staging = [np.empty((0, view.size), view.dtype) for view in views]

    @property
    def _valid(self) -> np.ndarray:
        return self._flags[0]

    @property
    def _newer(self) -> np.ndarray:
        return self._flags[1]

    # --- which rows are where

    def bring(self, slots: np.ndarray) -> None:
        """Make the rows of some slots valid on the device: upload those that are not.

        Raises
        ------
        DeviceError
            If there is no room, or the device fails; see `guarded`.
        """
        if not len(slots):
            return
        self._know(int(slots.max()) + 1)
        missing = np.unique(slots[~self._valid[slots]])
        for pages in self._pages:
            pages.reach(len(self._valid))
        for chunk in self._chunks(missing):
            for host, pages, staging in zip(self._host, self._pages, self._staging, strict=True):
                for place, slot in enumerate(chunk.tolist()):
                    staging[place] = host[slot]
                pages.upload(chunk, staging)
            self._valid[chunk] = True

    def fetch(self, slots: Iterable[int] | None = None) -> None:
        """Bring back the rows that are newer on the device, of some slots or of all.

        Raises
        ------
        DeviceError
            If the device fails, and not only once: the host's rows count then.
        """
        newer = np.flatnonzero(self._newer) if slots is None else self._newer_of(slots)
        try:
            self._fetch(newer)
        except DeviceError as error:
            if not self._is_saved_after(error):
                self._raise_after(error, self._given_up(), True)

    def _newer_of(self, slots: Iterable[int]) -> np.ndarray:
        asked = np.unique(np.fromiter(slots, np.int64))
        asked = asked[asked < len(self._newer)]
        return asked[self._newer[asked]]

    def _fetch(self, slots: np.ndarray) -> None:
        for chunk in self._chunks(slots):
            for pages, staging in zip(self._pages, self._staging, strict=True):
                pages.download(chunk, staging)
            # Only now that a model is here as a whole.
            for host, staging in zip(self._host, self._staging, strict=True):
                for place, slot in enumerate(chunk.tolist()):
                    host[slot][:] = staging[place]
            self._newer[chunk] = False

    def forget(self, slots: Iterable[int]) -> None:
        """Let the host's rows count: those of the device are not used again."""
        for slot in slots:
            if slot < len(self._valid):
                self._flags[:, slot] = False

    def outdate(self, slots: np.ndarray) -> None:
        """Say that the device is about to write to the rows of some slots."""
        self._newer[slots] = True

    def is_newer(self, slot: int) -> bool:
        """Return whether the device's row of a slot is the one that counts."""
        return slot < len(self._newer) and bool(self._newer[slot])

    def drop(self) -> int:
        """Give up all that is on the device; return how many rows were newer there."""
        lost = int(np.count_nonzero(self._newer))
        self._start()
        return lost

    # --- what the device works with

    def addresses(self, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where arenas and statistics begin on the device; they were brought before."""
        rows, kept = self._pages
        return rows.addresses(slots), kept.addresses(slots)

    def halves(self, rows: np.ndarray, to_own: int) -> tuple[Any, Any]:
        """Return where the halves of arenas begin, given where their rows do."""
        return rows, rows + to_own

    def updates(self, slots: np.ndarray) -> np.ndarray:
        """Return how many updates were made of each model, (n,), wherever that is known."""
        places = np.argsort(slots)
        done = np.empty(len(slots), np.int64)
        pages, staging = self._pages[1], self._reserve(len(slots))[1]
        for start in range(0, len(slots), len(staging)):
            some = places[start : start + len(staging)]
            pages.download(slots[some], staging)
            done[some] = staging[: len(some), UPDATES]
        return done

    # --- copying

    def _know(self, n: int) -> None:
        """Have flags for `n` slots at least."""
        more = np.zeros((2, max(0, n - len(self._valid))), bool)
        self._flags = np.append(self._flags, more, axis=1)

    def _chunks(self, slots: np.ndarray) -> Iterator[np.ndarray]:
        """Cut slots, ascending, into as many as are copied at once."""
        if not len(slots):
            return
        step = len(self._reserve(len(slots))[0])
        for start in range(0, len(slots), step):
            yield slots[start : start + step]

    def _reserve(self, n: int) -> list[np.ndarray]:
        """Return room of the host for copies of `n` rows, or of as many as there is room for."""
        n_bytes = sum(pages.columns * pages.dtype.itemsize for pages in self._pages)
        n = min(n, max(1, _CHUNK_BYTES // n_bytes))
        if len(self._staging[0]) < n:
            shapes = [((n, pages.columns), pages.dtype) for pages in self._pages]
            try:
                self._staging = [allocate_pinned(*shape) for shape in shapes]
            except DeviceError as error:
                if error.is_lost:
                    raise
                # Any memory will do, if more slowly: models must not be lost for want of this.
                self._staging = [np.empty(*shape) for shape in shapes]
        return self._staging

    # --- failures

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keep host and device in order whatever fails within.

        If the device cannot be told to be as it was, all on it is given up, and the host's rows
        count: each is the model as it was last brought back. Before anything was launched nothing
        is lost, unless the device itself is. An interrupt leaves the device as it is.

        Raises
        ------
        DeviceError
            As the work within raises it; the message says what became of the models.
        """
        self.is_torn = self.has_launched = False
        at_stake = bool(self._newer.any())
        try:
            yield
        except DeviceError as error:
            saved = not self.has_launched and self._is_saved_after(error)
            outcome = _NOTHING_LOST if saved else self._given_up()
            self._raise_after(error, outcome, at_stake and not saved)
        except Exception as error:
            if self.is_torn:
                error.add_note(f"on the device: {self._given_up()}")
            raise

    def _is_saved_after(self, error: DeviceError) -> bool:
        """Bring back all that is newer, if that is still possible, and start afresh."""
        if error.is_lost:
            return False
        try:
            self._fetch(np.flatnonzero(self._newer))
        except DeviceError:  # the first error is the one that is told
            return False
        self.drop()
        return True

    def _given_up(self) -> str:
        """Start afresh with the host's rows; say what that means."""
        lost = self.drop()
        if not lost:
            return _NOTHING_LOST
        lost_ones = self._LOST.format(lost)
        return f"{lost_ones} as they were when they were last brought back from the device"

    def _raise_after(self, error: DeviceError, outcome: str, was_undone: bool) -> NoReturn:
        told = DeviceError(f"{error}; {outcome}", error.is_lost, was_undone)
        raise told from (error.__cause__ or error)
