"""Work in several Python threads at once: compiled code releases the GIL.

Threads of Python, not of Numba: its threading layers end the process when two threads of the
program enter them, and would be one more thing that must agree with the user's own.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

Task = TypeVar("Task")


def available_cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Crew:
    """Threads that do tasks together, begun when they are first needed.

    Parameters
    ----------
    n_threads
        How many.

    Examples
    --------
    >>> done = []
    >>> with Crew(2) as crew:
    ...     crew.do(lambda task, stop: done.append(task), [1, 2, 3])
    >>> sorted(done)
    [1, 2, 3]
    """

    def __init__(self, n_threads: int) -> None:
        self.n_threads = n_threads
        self._pool: ThreadPoolExecutor | None = None
        self._stop = threading.Event()

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._stop.set()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def do(self, work: Callable[[Task, threading.Event], None], tasks: Sequence[Task]) -> None:
        """Do all tasks, several at once; they begin in their order.

        Parameters
        ----------
        work
            What to do with a task. The event that it is given besides is set when another task has
            failed, or the user has interrupted: then it should stop early.
        tasks
            The tasks.
        """
        if min(self.n_threads, len(tasks)) <= 1:
            for task in tasks:
                work(task, self._stop)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.n_threads)
        for done in [self._pool.submit(work, task, self._stop) for task in tasks]:
            done.result()
