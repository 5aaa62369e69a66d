"""Streams that share their weights on the device: what of them is there, and how they are run."""

from __future__ import annotations

from typing import Any

import numpy as np

from streamrnn.backends.cuda.models import OnDevice, kind_of, rates_of
from streamrnn.backends.cuda.pipeline import Rows, Run
from streamrnn.backends.cuda.residency import Residency
from streamrnn.backends.cuda.round_launching import RoundLauncher
from streamrnn.backends.cuda.rounds import Rounds
from streamrnn.backends.cuda.stretches import RoundCutter, Stretch
from streamrnn.backends.cuda.transfer import Parcel
from streamrnn.learner import OBSERVE

#: The only row of what is common.
_ONLY = np.array([0])


class SharedResidency(Residency):
    """The device's copy of some streams, and of what all of them have in common.

    Parameters
    ----------
    rows, kept
        As for `Residency`, of the streams' own halves.
    common, counters
        The common half of the arena, and what is counted of all streams.
    """

    _LOST = "the streams and their weights are"

    def __init__(self, rows: Any, kept: Any, common: np.ndarray, counters: np.ndarray) -> None:
        self.common = Residency([common], [counters])
        super().__init__(rows, kept)

    def bring(self, slots: np.ndarray) -> None:
        """Make some streams valid on the device, and what all have in common."""
        super().bring(slots)
        self.common.bring(_ONLY)

    def _fetch(self, slots: np.ndarray) -> None:
        # With any stream, so that the host's are never newer than the weights that they had.
        self.common._fetch(self.common._newer_of(_ONLY))
        super()._fetch(slots)

    def share(self) -> None:
        """Bring back what all have in common, and let the host's count."""
        self.fetch(())
        self.common.forget(_ONLY)

    def drop(self) -> int:
        """Give up all that is on the device; return how many rows were newer there."""
        return self.common.drop() + super().drop()

    def halves(self, rows: np.ndarray, to_own: int) -> tuple[Any, Any]:
        """Return where the common half begins, and where the streams' own do."""
        return self.common.addresses(_ONLY)[0], rows


class RoundRun(Run):
    """A run of streams that share their weights, in rounds; the parameters are a `Run`'s."""

    residency: SharedResidency
    _is_wide = False

    def launcher(self) -> RoundLauncher:
        """Return what launches kernels for it."""
        return RoundLauncher(self.kind.compiled, self.kind.sizes)

    def cutter(self) -> RoundCutter:
        """Return what cuts it into pieces."""
        return RoundCutter(self.rows.bounds)

    @property
    def least_rows(self) -> int:
        """A round is done as a whole."""
        return len(self.rows.slots)

    @property
    def numbers_a_row(self) -> int:
        """Numbers that travel to the device for a row at most: whose it is, besides."""
        return super().numbers_a_row + 1

    def outdate(self, piece: Any) -> None:
        """Say that the device is about to write to the streams of a stretch, and to the weights."""
        super().outdate(piece)
        self.residency.common.outdate(_ONLY)

    def fill(self, parcel: Parcel, piece: Stretch) -> Any:  # type: ignore[override]
        """Put into a parcel what the device needs for a stretch; return what it is told."""
        models, rows = piece.models, piece.rows()
        common, counters = self.residency.common.addresses(_ONLY)
        done = 0
        if self._goes_by_updates:
            done = int(self.residency.common.updates(_ONLY)[0])
        n_rates = len(piece.counts) if self._goes_by_updates else 1
        rates = self.rates.coming(done, n_rates)
        return Rounds(
            settings=parcel.put(self.kind.numbers),
            common=int(common[0]),
            models=parcel.put(self.table(self.rows.slots[models])),
            n_models=len(models),
            streams=parcel.put(np.searchsorted(models, piece.streams)),
            bounds=parcel.put(piece.bounds),
            n_rounds=len(piece.counts),
            inputs=parcel.put_rows(rows, self.rows.X),
            targets=parcel.put_rows(rows, self.rows.Y),
            out=parcel.answered_at,
            n_columns=self.kind.n_columns,
            task=self.task,
            counters=int(counters[0]),
            rates=parcel.put(rates),
            n_rates=rates.size,
            done=done,
        )


class FleetOnDevice(OnDevice):
    """Keeps track of a fleet: of its streams, and of what they have in common.

    That is fetched when the host looks at it, and goes to the device with the next run again.
    """

    def share(self) -> None:
        """Let the host read and write what all streams have in common."""
        if self._residency is not None:
            self._residency.share()

    def _residency_of(self, bank: Any) -> SharedResidency:
        return SharedResidency(bank._rows, bank._kept, *bank.in_common)

    def _run_of(self, bank: Any, residency: Any, rows: Rows, task: int) -> Run:
        kind = Run if task == OBSERVE else RoundRun
        return kind(kind_of(bank), residency, rows, rates_of(bank), task)
