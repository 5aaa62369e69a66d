"""Pieces on their way: one is filled while the device works at another."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np

from streamrnn.backends import cpu
from streamrnn.backends.cuda.cutting import Cutter, Pace, Piece
from streamrnn.backends.cuda.failures import translated
from streamrnn.backends.cuda.launching import Launcher, is_wide
from streamrnn.backends.cuda.residency import Residency
from streamrnn.backends.cuda.transfer import Parcel, new_streams
from streamrnn.backends.errors import DeviceError
from streamrnn.layout import Sizes, common_size, n_parameters
from streamrnn.learner import PREDICT

#: Bytes that travel to the device for one launch at most, and back.
_PIECE_BYTES = 1 << 25

#: Numbers of a model in the table that the kernel reads, and its bound.
_A_MODEL = len(cpu.Address._fields) + 1


class Kind(NamedTuple):
    """What the models have in common."""

    compiled: tuple[tuple[type, ...], str]  # `Blueprint.kind`
    sizes: Sizes
    numbers: np.ndarray  # settings and plug-ins' numbers, `Blueprint.numbers`
    n_columns: int  # numbers in a prediction


class Rows(NamedTuple):
    """What the models are run on."""

    slots: np.ndarray  # (n,)
    bounds: np.ndarray  # model i has the rows bounds[i] to bounds[i + 1], (n + 1,)
    X: np.ndarray  # (rows, n_inputs)
    Y: np.ndarray  # (rows, n_targets + 1)
    out: np.ndarray  # (rows, n_columns), written


class Rates(NamedTuple):
    """The learning rates of the coming updates."""

    is_scheduled: bool
    #: ``coming(done, n)``: those of `n` updates after `done`; the last goes on.
    coming: Callable[[int, int], np.ndarray]


class Run:
    """One run of models over their rows: what each piece needs."""

    def __init__(
        self, kind: Kind, residency: Residency, rows: Rows, rates: Rates, task: int
    ) -> None:
        self.kind, self.residency, self.rows = kind, residency, rows
        self.rates, self.task = rates, task
        self._goes_by_updates = rates.is_scheduled and task != PREDICT
        self._has_begun = np.zeros(len(rows.slots), bool)

    @property
    def key(self) -> tuple[Any, ...]:
        """What is alike in all runs that one pipeline can do."""
        return type(self), self.kind.compiled, self.kind.sizes, self._is_wide

    @property
    def _is_wide(self) -> bool:
        return is_wide(self.kind.sizes, len(self.rows.slots))

    def launcher(self) -> Launcher:
        """Return what launches kernels for it."""
        return Launcher(self.kind.compiled, self.kind.sizes, self._is_wide)

    @property
    def work(self) -> int:
        """Parameters x truncation: how much there is to do for a row."""
        return n_parameters(self.kind.sizes) * self.kind.sizes.truncation

    def cutter(self) -> Any:
        """Return what cuts it into pieces."""
        return Cutter(self.rows.bounds)

    @property
    def least_rows(self) -> int:
        """Rows that a piece must have room for."""
        return 1

    @property
    def numbers_a_row(self) -> int:
        """Numbers that travel to the device for a row at most."""
        X, Y = self.rows.X, self.rows.Y
        return int(X.shape[1] + Y.shape[1] + _A_MODEL + self._goes_by_updates)

    @property
    def numbers_a_piece(self) -> int:
        """Numbers that travel for a piece besides."""
        return self.kind.numbers.size + 2

    def must_wait(self, piece: Piece) -> bool:
        """Say whether something must be known that the device is about to find out.

        A schedule goes by the updates that a model has made, which nobody knows beforehand.
        """
        goes_on = bool(self._has_begun[piece.models].any())
        self._has_begun[piece.models] = True
        return goes_on and self._goes_by_updates

    def outdate(self, piece: Piece) -> None:
        """Say that the device is about to write to the models of a piece."""
        self.residency.outdate(self.rows.slots[piece.models])

    def fill(self, parcel: Parcel, piece: Piece) -> cpu.Call:
        """Put into a parcel what the device needs for a piece; return what it is told."""
        slots, rows = self.rows.slots[piece.models], piece.rows()
        table = self.table(slots)
        self._put_rates(parcel, piece, slots, table)
        return cpu.Call(
            settings=parcel.put(self.kind.numbers),
            models=parcel.put(table),
            bounds=parcel.put(np.append(0, np.cumsum(piece.counts))),
            n_models=len(slots),
            inputs=parcel.put_rows(rows, self.rows.X),
            targets=parcel.put_rows(rows, self.rows.Y),
            out=parcel.answered_at,
            n_columns=self.kind.n_columns,
            task=self.task,
        )

    def table(self, slots: np.ndarray) -> np.ndarray:
        """Return a row of `cpu.Address` for each slot, without rates."""
        table = np.zeros((len(slots), len(cpu.Address._fields)), np.int64)
        rows, table[:, 2] = self.residency.addresses(slots)
        _, dtype = self.kind.compiled
        to_own = common_size(self.kind.sizes) * np.dtype(dtype).itemsize
        table[:, 0], table[:, 1] = self.residency.halves(rows, to_own)
        return table

    def _put_rates(
        self, parcel: Parcel, piece: Piece, slots: np.ndarray, table: np.ndarray
    ) -> None:
        if not self._goes_by_updates:
            # Who only predicts reads none.
            rates = np.zeros(1) if self.task == PREDICT else self.rates.coming(0, 1)
            table[:, 3:] = parcel.put(rates), rates.size
            return
        done = self.residency.updates(slots)
        for i, at in enumerate(zip(done.tolist(), piece.counts.tolist(), strict=True)):
            rates = self.rates.coming(*at)
            table[i, 3:] = parcel.put(rates), rates.size


class Pipeline:
    """Kernels, streams and buffers for models of a kind.

    Parameters
    ----------
    launcher
        What launches the kernels.
    work
        Parameters x truncation of a model.

    Raises
    ------
    DeviceError
        If the device fails.
    """

    def __init__(self, launcher: Launcher, work: int) -> None:
        #: How long kernels have run.
        self.seconds = 0.0
        self._launcher = launcher
        self._pace = Pace(work)
        with translated("beginning"):
            self._streams = new_streams()
            self._parcels = [Parcel(), Parcel()]
        self._is_calm = True

    def reserve(self, run: Run) -> int:
        """Take all memory that a run needs; return how many rows a piece may have."""
        self._calm()  # what is under way has memory, and rows that are brought anew
        n_rows, n_columns = run.rows.out.shape
        a_row = run.numbers_a_row
        most = max(run.least_rows, _PIECE_BYTES // (8 * max(a_row, n_columns)))
        n = min(n_rows, most)
        for parcel in self._parcels:
            fixed = self._launcher.n_words + run.numbers_a_piece
            parcel.reserve(fixed + n * a_row, max(1, n * n_columns))
        self._launcher.reserve(len(run.rows.slots))
        return most

    def go(self, run: Run, most: int) -> None:
        """Do a run in pieces of so many rows at most, as `reserve` has said."""
        self._is_calm = False
        cutter = run.cutter()
        try:
            for parcel in cycle(self._parcels):
                self._settle(parcel, run)
                piece = cutter.cut(most, self._launcher.at_once, self._pace.depth)
                if piece is None:
                    break
                if run.must_wait(piece):
                    self._settle_all(run)
                self._send(parcel, piece, run)
        except DeviceError:
            self._abandon()
            raise
        finally:
            # After an interrupt, too: what was launched is done, and its predictions are there.
            self._settle_all(run)
        self._is_calm = True

    def _send(self, parcel: Parcel, piece: Piece, run: Run) -> None:
        """Copy a piece to the device, and launch it."""
        parcel.begin(self._launcher.n_words)
        words = self._launcher.words(run.fill(parcel, piece))
        with translated("sending rows"):
            there = parcel.send(words, self._streams)
            parcel.watch.begin(self._streams.work)
        if run.task != PREDICT:
            run.outdate(piece)
        run.residency.is_torn = run.residency.has_launched = True
        self._launcher.launch(piece, there, self._streams.work)
        run.residency.is_torn = False
        with translated("running"):
            parcel.watch.end(self._streams.work)
            parcel.expect(piece.n_rows * run.kind.n_columns, self._streams)
        parcel.piece = piece  # not before: whoever waits for it is answered by the one before

    def _settle(self, parcel: Parcel, run: Run) -> None:
        """Wait for a piece, and put its predictions where they belong."""
        piece = parcel.piece
        if piece is None:
            return
        n_columns = run.kind.n_columns
        with translated("running"):
            answer = parcel.answer(piece.n_rows * n_columns)
            seconds = parcel.watch.seconds
        run.rows.out[piece.rows()] = answer.reshape(piece.n_rows, n_columns)
        parcel.piece = None
        self.seconds += seconds
        self._pace.passed(piece.longest(self._launcher.at_once), seconds)

    def _settle_all(self, run: Run) -> None:
        for parcel in self._parcels:
            self._settle(parcel, run)

    def _calm(self) -> None:
        """Wait for what an interrupted run has left; nobody asks for its predictions any more."""
        if not self._is_calm:
            with translated("waiting"):
                for stream in self._streams:
                    stream.synchronize()
            self._abandon()

    def _abandon(self) -> None:
        """Expect no predictions of what is under way."""
        for parcel in self._parcels:
            parcel.piece = None
