"""The loop of a run: rows are made samples, played, recorded, and kept safe."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from .batches import Gathered, part
from .blocks import Block
from .cells import spelt
from .cleaning import Cleaner
from .console import Console
from .contestants import Contestant
from .dead_letters import DeadLetters
from .errors import RowError
from .late import Late
from .likeness import check_alike
from .monitor import Monitor
from .scoreboard import Scoreboard
from .sinks import Sink
from .sources import Batch, Source
from .stopping import Stop

if TYPE_CHECKING:
    import numpy as np

#: That many rows that are left out are shown one by one; the others are only counted.
TOLD = 3


class Engine:
    """Play the items of a source.

    Parameters
    ----------
    source
        Told which rows have been used.
    items
        What comes out of it, in batches.
    cleaner
        Makes samples of rows.
    board
        The models.
    late
        Plays instead of the board where targets come late.
    console
        Where rows that are left out are told.
    skips
        Whether to leave out rows that cannot be used; otherwise the first one ends the run.
    limit
        The largest number of rows to use, or None.
    stop
        A wish to stop, looked at between two batches.

    Attributes
    ----------
    sink, dead_letters, monitor
        Who is told of predictions, of rows that were left out, and of both; None: nobody.
    after_batch
        Called when the rows of a batch are done with, and in pauses.
    lock
        Held while models play, for other threads that look at them.
    seen, skipped : int
        Rows that came, and those left out.
    """

    def __init__(
        self,
        source: Source,
        items: Iterator[Gathered],
        cleaner: Cleaner,
        board: Scoreboard,
        late: Late | None,
        console: Console,
        *,
        skips: bool,
        limit: int | None,
        stop: Stop,
    ) -> None:
        self._source = source
        self._items = items
        self._cleaner = cleaner
        self.board = board
        self._late = late
        self._console = console
        self._skips = skips
        self._limit = limit
        self._stop = stop
        self.sink: Sink | None = None
        self.dead_letters: DeadLetters | None = None
        self.monitor: Monitor | None = None
        self.after_batch: Callable[[], None] = lambda: None
        self.lock: AbstractContextManager[Any] = nullcontext()
        self.seen = 0
        self.skipped = 0
        self._seconds_before = 0.0
        self._started: float | None = None

    @property
    def seconds(self) -> float:
        """How long it has been running, with the runs that this one goes on from."""
        if self._started is None:
            return self._seconds_before
        return self._seconds_before + time.perf_counter() - self._started

    @property
    def is_stopped(self) -> bool:
        """Whether somebody has wished that it stop."""
        return self._stop.signal is not None

    def run(self) -> None:
        """Play until the source ends, the limit is reached or somebody wishes to stop."""
        self._started = time.perf_counter()
        while not self.is_stopped and not self._is_full():
            try:
                item = next(self._items)
            except StopIteration:
                # Somebody who stops may go on: only the end of the source brings all targets.
                if self._late is not None and not self.is_stopped:
                    with self.lock:
                        self._late.finish()
                break
            if isinstance(item, Batch):
                for some in self._up_to_the_limit(item):
                    with self.lock:
                        self._play_batch(some)
            elif item is not None:
                self._leave_out(item)
                self.seen += 1
                self._source.passed([item.offset])
            self.after_batch()

    def _is_full(self) -> bool:
        return self._limit is not None and self.board.rows >= self._limit

    def _up_to_the_limit(self, batch: Batch) -> Iterator[Batch]:
        """Give what may be used of a batch; what is behind the limit is left for a later run.

        In parts, as of those that seem to be enough some may be left out.
        """
        start = 0
        while start < len(batch) and not self._is_full():
            left = len(batch) if self._limit is None else self._limit - self.board.rows
            yield part(batch, start, start + left)
            start += left

    def _play_batch(self, batch: Batch) -> None:
        for made in self._cleaner.clean(batch, self.seen + 1):
            if isinstance(made, RowError):
                self._leave_out(made)
            else:
                self._play(made)
        self.seen += len(batch)
        self._source.passed(batch.offsets)

    def _play(self, block: Block) -> None:
        network: Contestant = self.board.contestants[0]
        before = network.seconds
        if self._late is None:
            predictions = self.board.play(block)
            self._record(block, predictions[0])
            self._watch(block, predictions, network.seconds - before)
            return
        turn = self._late.play(block)
        self._record(turn.block, turn.predictions[0])
        self._watch(turn.told, turn.told_predictions, network.seconds - before)
        for i in turn.orphans:
            self._leave_out(self._orphan(block, i))

    def _record(self, block: Block, predictions: np.ndarray) -> None:
        if self.sink is None or not len(block):
            return
        columns, cells = ["row"], [block.numbers]
        for name, kept in (("id", block.ids), ("time", block.times), ("key", block.keys)):
            if kept is not None:
                columns.append(name)
                cells.append([_plain(cell) for cell in kept])
        columns += ["target", "prediction"]
        cells += [_finite(block.targets), _finite(predictions)]
        self.sink.write(tuple(columns), list(zip(*cells, strict=True)))

    def _watch(self, block: Block, predictions: list[np.ndarray], seconds: float) -> None:
        if self.monitor is not None and len(block):
            targets: Any = block.targets
            made: Any = predictions
            self.monitor.played(block.numbers, block.times, targets, made, seconds)

    def _orphan(self, block: Block, i: int) -> RowError:
        name = block.ids[i] if block.ids is not None else None
        what = f"a target whose event {name!r} never came, or too long ago"
        place = f"row {block.numbers[i]}"
        raw = {"id": _plain(name), "target": block.targets.tolist()[i]}
        return RowError(what, source=self._source.name, place=place, line=block.numbers[i], raw=raw)

    def _leave_out(self, error: RowError) -> None:
        if not self._skips:
            raise error
        self.skipped += 1
        if self.dead_letters is not None:
            self.dead_letters.add(error)
        if self.skipped <= TOLD:
            more = " Further ones are only counted." if self.skipped == TOLD else ""
            self._console.note(f"skipped: {error.format_message()}{more}")

    # --- for checkpoints

    def state(self) -> dict[str, Any]:
        """Return what was counted and is remembered, as JSON can say it."""
        return {
            "seen": self.seen,
            "skipped": self.skipped,
            "seconds": self.seconds,
            "board": self.board.state(),
            "late": None if self._late is None else self._late.state(),
            "monitor": None if self.monitor is None else self.monitor.state(),
            "cleaner": self._cleaner.state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned.

        Raises
        ------
        TypeError, ValueError
            If it is something else.
        """
        # A monitor looks at what it gets by itself.
        check_alike(self.state() | {"monitor": None}, state)
        self.seen, self.skipped = state["seen"], state["skipped"]
        self._seconds_before = float(state["seconds"])
        self.board.restore(state["board"])
        self._cleaner.restore(state["cleaner"])
        if self._late is not None:
            self._late.restore(state["late"])
        if self.monitor is not None and state["monitor"] is not None:
            self.monitor.restore(state["monitor"])


def _finite(values: np.ndarray) -> list[Any]:
    """Return numbers or labels as a list, with None for what is no finite number."""
    import numpy as np

    listed = values.tolist()
    if values.dtype != object:
        for i in np.flatnonzero(~np.isfinite(values)).tolist():
            listed[i] = None
    return listed


def _plain(cell: Any) -> Any:
    """Return a cell as every format can hold it."""
    return None if isinstance(cell, float) and not math.isfinite(cell) else spelt(cell)
