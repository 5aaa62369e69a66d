"""Runs models over their rows on the device; see `pipeline` for how that goes on."""

from __future__ import annotations

from typing import Any

from streamrnn.backends.cuda import device
from streamrnn.backends.cuda.pipeline import Pipeline, Run
from streamrnn.backends.cuda.unseen import Unseen
from streamrnn.backends.errors import DeviceError


class Driver:
    """The device's side of a bank or of a model; one thread at a time uses it."""

    _pipeline = Unseen()  # a `Pipeline`, or None

    def __init__(self) -> None:
        self._done = 0.0
        self._key: Any = None
        self._pipeline = None

    @property
    def seconds(self) -> float:
        """How long kernels have run so far, by the device's own events; it may be set to 0.

        In the simulator the clock tells it.
        """
        seconds: float = 0.0 if self._pipeline is None else self._pipeline.seconds
        return self._done + seconds

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        self._done = seconds
        if self._pipeline is not None:
            self._pipeline.seconds = 0.0

    def drop(self) -> None:
        """Give back the device's memory; the next run takes what it needs."""
        self._done, self._key, self._pipeline = self.seconds, None, None

    def run(self, run: Run) -> None:
        """Let models predict, and do what the task says besides, each on its rows in their order.

        Raises
        ------
        DeviceError
            If there is no device or it fails; `Residency.guarded` says what is left of the models
            then. After another exception, such as an interrupt, each model has done some of its
            rows, the first ones.
        """
        device.check()
        try:
            with run.residency.guarded():
                pipeline = self._for(run)
                most = pipeline.reserve(run)
                run.residency.bring(run.rows.slots)
                pipeline.go(run, most)
        except DeviceError:
            self.drop()
            raise

    def _for(self, run: Run) -> Pipeline:
        """Return what does runs of a kind; what did others before goes."""
        key = run.key
        if self._pipeline is None or self._key != key:
            self.drop()
            self._pipeline, self._key = Pipeline(run.launcher(), run.work), key
        pipeline: Pipeline = self._pipeline
        return pipeline
