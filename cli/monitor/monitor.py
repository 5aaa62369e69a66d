"""The monitor: told of every block of a run, it can say at any time how the run looks."""

import threading
import time
from collections.abc import Sequence
from typing import Any

from .diagnosis import Diagnosis
from .errors import Errors
from .kinds import KINDS
from .latency import Latency
from .marks import Marks
from .pace import Pace
from .plain import plain
from .series import Series

#: Small blocks are gathered, since looking at 200 rows costs little more than looking at one...
GATHERED = 256
#: ... but not for longer than this, in seconds.
PATIENCE = 0.25
VERSION = 1


class Monitor:
    """Watches a run in bounded memory.

    Parameters
    ----------
    task
        ``regression`` or ``classification``.
    names
        The contestants; the first is the network.
    model
        The network's estimator, for counters, memory and diagnostics; None: there is none.
    about
        What else a reader should know, such as ``title``, ``source`` and ``parameters``; goes
        into the snapshot as it is. It may be set later, too.

    Raises
    ------
    KeyError
        If the task is neither.

    Examples
    --------
    >>> monitor = Monitor("regression", ["LSTM", "last value"], about={"title": "Water"})
    >>> monitor.played([1, 2], None, [3.0, 5.0], [[2.5, 4.0], [0.0, 3.0]], seconds=2e-5)
    >>> monitor.snapshot()["errors"]["overall"]  # the first target nobody can know
    {'LSTM': 1.0, 'last value': 2.0}
    """

    def __init__(
        self,
        task: str,
        names: Sequence[str],
        model: Any = None,
        about: dict[str, Any] | None = None,
    ) -> None:
        self._kind = KINDS[task]
        self.task = task
        self.names = list(names)
        self.about = about or {}
        self._model = model
        self._detects = getattr(model, "drift_detector", None) is not None
        self._drifts = self._counters().get("drifts", 0)
        self._rows, self._seconds = 0, 0.0
        self._player, self._last = -1, 0
        self._series = Series(self._kind)
        self._errors = Errors(self._kind, self.names)
        self._pace = Pace(self._counters())
        self._latency = Latency()
        self._marks = Marks()
        self._diagnosis = Diagnosis(model)
        # A page that shows the run while it goes on reads from another thread.
        self._lock = threading.RLock()
        self._forget_waiting()

    def played(
        self,
        rows: Sequence[int],
        times: Sequence[Any] | None,
        targets: Sequence[Any],
        predictions: Sequence[Sequence[Any]],
        seconds: float,
    ) -> None:
        """Take in a block that was played.

        Parameters
        ----------
        rows
            Their numbers in the source, ascending, (rows,).
        times
            Their time stamps, (rows,), or None.
        targets
            What came, (rows,): numbers with NaN, or labels with None, for what is not known.
        predictions
            What each contestant had predicted, (contestants, rows), like the targets.
        seconds
            How long the network took for the block.
        """
        n = len(rows)
        if not n:
            return
        with self._lock:
            self._rows += n
            self._player, self._last = threading.get_ident(), rows[-1]
            self._seconds += seconds
            self._latency.add(1e6 * seconds / n, n)
            if self._detects:
                self._look_for_drift(rows[-1])
            if n >= GATHERED:
                self._look_at_waiting()
                self._look(rows, times, targets, predictions, seconds)
            else:
                self._wait(rows, times, targets, predictions, seconds)
                late = time.perf_counter() - self._looked > PATIENCE
                if len(self._waiting) < GATHERED and not late:
                    return
                self._look_at_waiting()
            # By who plays, not by who takes a snapshot: the model may be at work then.
            self._diagnosis.ask(rows[-1])

    def mark(self, kind: str, row: int, text: str = "") -> None:
        """Note an event.

        Parameters
        ----------
        kind
            ``drift`` (those of the model's counters are found without being told, and stand at the
            last row of their block), ``checkpoint``, ``resume``,
            ``reconnect``, ``state_reset``, or any other word.
        row
            Where it happened.
        text
            More about it, on one line.
        """
        with self._lock:
            self._marks.add(kind, row, text)

    def snapshot(self) -> dict[str, Any]:
        """Return how the run looks, as JSON can hold it: no NaN, but None. Any thread may ask.

        Returns
        -------
        dict
            ``version`` of this schema, 1; ``task``; ``names`` of the contestants, network first;
            ``about`` as given.

            ``rows`` played; ``seconds`` the network took; ``rows_per_second``; ``memory_bytes`` of
            the model when it was last asked, or None; ``counters`` of the model, a dict.

            ``series``: points of the whole run, at most 4000, as columns ``row``, ``time`` (text,
            number or None), ``target``, ``prediction`` (numbers or labels, None: not known). They
            are the extremes and the last row of each stretch of ``series_width`` rows.
            ``recent``: the last 500 rows, the same columns.

            ``errors``: ``measure`` (mean absolute error, in the target's units, or error rate, 0 to
            1); ``overall``, a dict by contestant; per stretch of ``width`` rows the columns ``row``
            (its last), ``rows`` (how many were scored) and ``values``, a dict of columns by
            contestant.

            ``rates``, per stretch, columns ``row``, ``rows``, ``rows_per_second``; ``updates``;
            ``clipped`` and ``skipped``, shares of the updates; ``missing``, missing values a row;
            ``unknown``, the share of rows without a target.

            ``latency``: ``p50``, ``p90``, ``p99``, ``max``, microseconds a row, each row counted
            with the mean of its block.

            ``gradient``: a list of ``[row, norms]``, norms of dL/dh of the top layer, newest lag
            first; ``saturation``: ``row`` and ``gates``, a dict of columns by gate, shares of 0 to
            1; ``update_size``: ``row`` and ``value``, the change of the weights since the
            diagnosis before, over their norm. ``no_diagnostics``: why these are empty, or None.

            ``marks``: a list of ``kind``, ``row``, ``text``, at most 400; ``mark_counts`` by kind.
        """
        with self._lock:
            self._look_at_waiting()
            if not self._diagnosis.asked and self._player == threading.get_ident():
                self._diagnosis.ask(self._last)  # a run so short that it never was
            counters = self._counters()
            return {
                "version": VERSION,
                "task": self.task,
                "names": list(self.names),
                "about": plain(self.about),
                "rows": self._rows,
                "seconds": self._seconds,
                "rows_per_second": self._rows / self._seconds if self._seconds else None,
                "memory_bytes": self._diagnosis.memory,
                "counters": plain(counters),
                "series": self._series.snapshot(),
                "series_width": self._series.width,
                "recent": self._series.recent(),
                "errors": self._errors.snapshot(),
                "rates": self._pace.snapshot(),
                "latency": self._latency.snapshot(),
                **self._diagnosis.snapshot(),
                **self._marks.snapshot(),
            }

    def state(self) -> dict[str, Any]:
        """Return all that was seen, as JSON can hold it, for `restore` in another process."""
        with self._lock:
            self._look_at_waiting()
            return {
                "version": VERSION,
                "task": self.task,
                "names": list(self.names),
                "rows": self._rows,
                "seconds": self._seconds,
                "drifts": self._drifts,
                **{name: part.state() for name, part in self._parts().items()},
                "marks": self._marks.snapshot(),
            }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state, with the model as it was then.

        Raises
        ------
        ValueError
            If the state is of another task, of other contestants or of another version.
        """
        for name, own in (("version", VERSION), ("task", self.task), ("names", self.names)):
            if state[name] != own:
                raise ValueError(f"a run with {name} {state[name]!r} cannot go on with {own!r}")
        with self._lock:
            self._rows, self._seconds = state["rows"], state["seconds"]
            self._drifts = state["drifts"]
            for name, part in self._parts().items():
                part.restore(state[name])
            self._marks.restore(state["marks"])
            self._forget_waiting()

    def _parts(self) -> dict[str, Any]:
        return {
            "series": self._series,
            "errors": self._errors,
            "pace": self._pace,
            "latency": self._latency,
            "diagnosis": self._diagnosis,
        }

    def _look(self, rows: Any, times: Any, targets: Any, predictions: Any, seconds: float) -> None:
        goals = self._kind.column(targets)
        guesses = [self._kind.column(each) for each in predictions]
        self._series.add(rows, times, goals, guesses[0])
        unknown = self._errors.add(rows, goals, guesses)
        self._pace.add(rows[-1], len(rows), seconds, unknown, self._counters())

    def _look_for_drift(self, row: int) -> None:
        drifts = self._counters().get("drifts", 0)
        if drifts > self._drifts:
            found = drifts - self._drifts
            self._marks.add("drift", row, "" if found == 1 else f"{found} in this block")
        self._drifts = drifts

    def _counters(self) -> dict[str, int]:
        return {} if self._model is None else dict(self._model.counters)

    def _wait(self, rows: Any, times: Any, targets: Any, predictions: Any, seconds: float) -> None:
        self._waiting.extend(rows)
        self._waiting_times.extend([None] * len(rows) if times is None else times)
        self._waiting_targets.extend(targets)
        for waiting, new in zip(self._waiting_predictions, predictions, strict=True):
            waiting.extend(new)
        self._waiting_seconds += seconds

    def _look_at_waiting(self) -> None:
        if self._waiting:
            rows, times, targets = self._waiting, self._waiting_times, self._waiting_targets
            predictions, seconds = self._waiting_predictions, self._waiting_seconds
            self._forget_waiting()
            self._look(rows, times, targets, predictions, seconds)

    def _forget_waiting(self) -> None:
        self._waiting: list[int] = []
        self._waiting_times: list[Any] = []
        self._waiting_targets: list[Any] = []
        self._waiting_predictions: list[list[Any]] = [[] for _ in self.names]
        self._waiting_seconds = 0.0
        self._looked = time.perf_counter()
