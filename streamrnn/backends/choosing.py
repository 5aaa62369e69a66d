"""Which backend is faster for some models: found out on the job, remembered in the process.

No table says it: that depends on the device, the cores, the networks and how many of them there
are. So the first rows are played on the CPU and timed; if it is worth a kernel's compilation, the
next ones are played on the device and timed, too, and the rest where it is faster.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

from streamrnn.backends.errors import DeviceError

#: Seconds after which a speed is known.
SOUND = 0.1

#: Seconds of work on the CPU, done and to be expected, that are worth a try on the device: a kernel
#: compiles for some seconds, up to half a minute on a slow machine, and the device may be no
#: faster.
WORTHWHILE = 30.0

#: The other backend must be so many times as fast: going there moves all models.
MARGIN = 1.2


@dataclass
class Speed:
    """How fast a backend is."""

    is_warm: bool = False  # whether it has compiled, which does not count
    rows: float = 0.0
    seconds: float = 0.0

    @property
    def is_known(self) -> bool:
        """Whether it was timed for long enough."""
        return self.seconds >= SOUND

    @property
    def seconds_a_row(self) -> float:
        """Seconds that a row takes."""
        return self.seconds / self.rows

    def took(self, rows: int, seconds: float) -> None:
        """Take a piece into account: the newest counts most, as machines have other work, too."""
        if not self.is_warm:
            self.is_warm = True
            return
        if self.is_known:
            self.rows, self.seconds = self.rows / 2, self.seconds / 2
        self.rows += rows
        self.seconds += seconds


@dataclass
class Choice:
    """What is known of one kind of work, and where more of it goes.

    Parameters
    ----------
    least
        Rows in a piece at least: one for each model, since fewer keep no backend busy.
    """

    least: int
    cpu: Speed = field(default_factory=Speed)
    device: Speed = field(default_factory=Speed)
    spent: float = 0.0  # seconds on the CPU, compiling left out
    is_ruled_out: bool = False  # the device
    on_device: bool = False  # where work was last, once both speeds are known

    def next(self, rows: int, missing: Callable[[], str | None]) -> tuple[str, int]:
        """Return the backend of the next rows, and how many are to go there.

        Parameters
        ----------
        rows
            How many there are.
        missing
            Says why there is no device, None if there is one; asked before the first try.
        """
        if not self.cpu.is_known:
            return "cpu", self._piece(self.cpu, rows)
        if not self.device.is_warm and not self.is_ruled_out:
            if self.spent + self.cpu.seconds_a_row * rows < WORTHWHILE:
                return "cpu", rows
            self.is_ruled_out = missing() is not None
        if self.is_ruled_out:
            return "cpu", rows
        if not self.device.is_known:
            return "cuda", self._piece(self.device, rows)
        here, there = self.cpu.seconds_a_row, self.device.seconds_a_row
        self.on_device = there < here * MARGIN if self.on_device else there * MARGIN < here
        return ("cuda" if self.on_device else "cpu"), rows

    def _piece(self, speed: Speed, rows: int) -> int:
        """Return how many rows are timed next: ever more, so that the speed is soon known."""
        return min(rows, max(self.least, int(speed.rows)))

    def took(self, backend: str, rows: int, seconds: float) -> None:
        """Take into account how long some rows took."""
        speed = self.cpu if backend == "cpu" else self.device
        if backend == "cpu" and speed.is_warm:
            self.spent += seconds
        speed.took(rows, seconds)


class Chooser:
    """Plays rows where they are done sooner.

    Parameters
    ----------
    clock
        Tells seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._choices: dict[Hashable, Choice] = {}

    def play(
        self,
        work: Hashable,
        n_rows: int,
        n_models: int,
        run: Callable[[str, int, int], None],
        missing: Callable[[], str | None],
    ) -> None:
        """Play rows in pieces, each on the CPU or on the device.

        Parameters
        ----------
        work
            What sort of work it is; its speeds are remembered by that.
        n_rows
            How many rows there are.
        n_models
            How many models they are of.
        run
            ``run("cpu" or "cuda", first, last)`` plays the rows from `first` to before `last` of
            all; a failure of the device leaves the models as they were before the call, or says
            that it has undone more.
        missing
            Says why there is no device, None if there is one.

        Raises
        ------
        DeviceError
            If the device fails later than at the first try, after which the rest would be played on
            the CPU; or at that, if models have lost what other work on the device had taught them.
        """
        choice = self._choices.setdefault(work, Choice(n_models))
        first = 0
        while first < n_rows:
            backend, rows = choice.next(n_rows - first, missing)
            is_first_try = backend == "cuda" and not choice.device.is_warm
            started = self._clock()
            try:
                run(backend, first, first + rows)
            except DeviceError as error:
                if not is_first_try or error.was_undone:
                    raise
                choice.is_ruled_out = True
                warnings.warn(f"{error}; the CPU does it all", stacklevel=2)
                continue
            choice.took(backend, rows, self._clock() - started)
            first += rows


#: What this process has found out.
CHOOSER = Chooser()
