"""Who watches a run: the terminal, a page on the local network, and a report at the end."""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack
from typing import Any

from .console import Console
from .engine import Engine
from .settings import Settings


class Watchers:
    """Shows a run to whoever wants to see it.

    Parameters
    ----------
    engine
        The run; it has a monitor if anybody watches.
    settings
        The options ``--report``, ``--live-view`` and ``--serve``.
    console
        Leaves the terminal to a view of the run.
    stack
        Closes what is opened, whatever happens.
    """

    def __init__(
        self, engine: Engine, settings: Settings, console: Console, stack: ExitStack
    ) -> None:
        self._console = console
        self._monitor = engine.monitor
        self._report = settings.report
        self._view: Any = None
        if settings.live_view:
            from .live_view import view_for

            self._view = view_for(sys.stderr)
            stack.callback(self._close)
            console.elsewhere = self._view.note
        if settings.serve is not None:
            self._serve(engine, settings.serve, stack)

    def _serve(self, engine: Engine, port: int, stack: ExitStack) -> None:
        """Show the run to browsers on this machine; they may ask for predictions, not teach."""
        from .serving.served import Served
        from .serving.server import start_in_thread

        engine.lock = threading.Lock()
        network: Any = engine.board.contestants[0]
        served = Served(engine.lock, self._monitor, network.model)
        handle = start_in_thread(served, "127.0.0.1", port, None)
        stack.callback(handle.close)
        self._console.note(f"The run is shown at {handle.url}")

    def look(self) -> None:
        """Show how far the run is, if it is time."""
        if self._view is not None and self._monitor is not None:
            self._view.offer(self._monitor.snapshot)

    def end(self, metrics: dict[str, Any]) -> None:
        """Write the report.

        Parameters
        ----------
        metrics
            The final figures of each contestant by its name.
        """
        self._close()
        if self._report is not None and self._monitor is not None:
            from .monitor.page import write_report

            self._monitor.about = self._monitor.about | {"metrics": metrics}
            write_report(self._monitor.snapshot(), self._report)

    def _close(self) -> None:
        """Give the terminal back."""
        if self._view is not None:
            self._view.close()
            self._console.elsewhere = None
