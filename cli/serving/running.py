"""One run of ``streamrnn serve``: begin, save now and then, end well."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..console import Console
from ..errors import DataError
from .access import check_token, is_loopback
from .limits import Limits
from .models import check_save, described, model_for
from .served import Served
from .server import bind, check_available, start_in_thread
from .settings import ServeSettings


def run(settings: ServeSettings) -> int:
    """Serve until a signal comes; return the exit code."""
    check_available()
    check_token(settings.token, settings.host)
    check_save(settings)
    console = Console(sys.stderr, settings.quiet)
    # Before the model is compiled, so that a port that is taken is told at once.
    with bind(settings.host, settings.port) as listener, _signals() as stop:
        served = _served(settings, console)
        handle = start_in_thread(
            served,
            settings.host,
            listener.getsockname()[1],
            settings.token,
            Limits(max_body=settings.max_body),
            listener,
        )
        if not is_loopback(settings.host):
            console.note("no TLS here: beyond a trusted network, put a proxy that has it in front.")
        console.note(f"serving at {handle.url}  (Ctrl-C ends it)")
        keeper = Keeper(served, settings.save)
        try:
            while not stop.wait(settings.save_every if settings.save else None):
                _now_and_then(keeper, console)
        finally:
            handle.close()
            saved = keeper.save()
    console.note(_totals(served, settings.save if saved else None))
    return 128 + stop.number


class Stop(threading.Event):
    """Set by a signal, whose number it keeps."""

    number = 0


@contextmanager
def _signals() -> Iterator[Stop]:
    """Take SIGINT and SIGTERM as a wish to end; a second one ends at once."""
    stop = Stop()
    numbers = (signal.SIGINT, signal.SIGTERM)

    def ask(number: int, _: Any) -> None:
        if stop.is_set():
            sys.exit(128 + number)
        stop.number = number
        stop.set()

    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Keeper:
    """Saves the model to a file, if clients changed it since the last time.

    Parameters
    ----------
    served
        The model.
    path
        The file, or None.
    """

    def __init__(self, served: Served, path: str | None) -> None:
        self._served = served
        self._path = path
        self._changes = 0

    def save(self) -> bool:
        """Save if need be; return whether the file is there. Raises `DataError` if it cannot be."""
        if self._path is None:
            return False
        if self._served.changes == self._changes:
            return self._changes > 0
        from streamrnn import durable

        with self._served.lock:
            changes, data = self._served.changes, self._served.model.to_bytes()
        try:
            durable.write(self._path, [data])
        except OSError as error:
            what = f"the model cannot be saved ({error.strerror})"
            raise DataError(what, source=self._path, remedy="Fetch it: GET /model") from None
        self._changes = changes
        return True


def _now_and_then(keeper: Keeper, console: Console) -> None:
    """Save; what fails now may work the next time, and the server goes on."""
    try:
        keeper.save()
    except DataError as error:
        console.note(f"Warning: {error.message}")


def _served(settings: ServeSettings, console: Console) -> Served:
    console.progress("getting the network ready (the first time, its code is compiled)")
    model, kind, name, remark = model_for(settings)
    console.clear()
    if remark:
        console.note(remark)
    return watched(model, kind, name, described(model))


def watched(model: Any, kind: Any, name: str, parameters: dict[str, Any]) -> Served:
    """Return a model ready to be served, with a monitor of its own."""
    from ..monitor import Monitor

    last = "last value" if kind.task == "regression" else "last label"
    about = {"title": name, "source": "HTTP", "parameters": parameters}
    monitor = Monitor(kind.task, [name, last], model, about)
    return Served(threading.RLock(), monitor, model, kind)


def _totals(served: Served, path: str | None) -> str:
    snapshot = served.monitor.snapshot()
    error = next(iter(snapshot["errors"]["overall"].values()))
    told = "" if error is None else f", {snapshot['errors']['measure']} {error:.5g}"
    kept = f"; saved to {path}" if path else ""
    return f"{served.rows:,} samples learnt{told}{kept}"
