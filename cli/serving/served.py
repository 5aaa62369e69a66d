"""The model that a server has, and what is known of its run."""

import inspect
import json
import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from .kinds import Kind, as_json
from .request_error import RequestError
from .samples import Sample

#: Seconds that one account of the run serves all who ask.
FRESH = 0.5

#: What a model says of a sample that it cannot take; it has not changed then.
REFUSED = (TypeError, ValueError, ArithmeticError)


class Served:
    """A model behind one lock, and the monitor that watches it.

    Parameters
    ----------
    model_lock
        Held whenever the model or the monitor is used. Whoever else feeds the model holds it, too.
    monitor
        A `streamrnn_cli.monitor.Monitor`, for ``snapshot``, and for ``played`` if clients teach.
    model
        The estimator; None shows the run and nothing else.
    kind
        What its targets are; None: clients do not teach it, a source does.

    Attributes
    ----------
    rows : int
        Samples that clients taught.
    changes : int
        How often clients changed the model: these, and steps that predictions of events took.
    """

    def __init__(
        self,
        model_lock: AbstractContextManager[Any],
        monitor: Any,
        model: Any = None,
        kind: Kind | None = None,
    ) -> None:
        self.lock = model_lock
        self.monitor = monitor
        self.model = model
        self.rows = self.changes = 0
        self._kind = kind
        self._last: Any = math.nan if kind is not None and kind.task == "regression" else None
        self._takes_ids = model is not None and "t" in inspect.signature(model.learn_one).parameters
        self._accounts = {True: ("", -math.inf), False: ("", -math.inf)}

    def learn(self, samples: Sequence[Sample]) -> list[Any]:
        """Predict and learn one sample after the other; return the predictions as JSON.

        A sample that the model cannot take ends it: those before it are learnt then, which the
        `RequestError` says.
        """
        if self._kind is None:
            what = "this model learns from its own source: POST /predict and GET /status work."
            raise RequestError(403, what)
        with self.lock:
            made: list[Any] = []
            started = time.perf_counter()
            try:
                for sample in samples:
                    made.append(self._played(sample))
            except REFUSED as error:
                raise self._refusal(error, made, len(samples)) from None
            finally:
                if made:
                    self._watch(samples[: len(made)], made, time.perf_counter() - started)
        return [as_json(prediction) for prediction in made]

    def predict(self, samples: Sequence[Sample]) -> list[Any]:
        """Predict samples that come next, each by itself; return the predictions as JSON."""
        if self.model is None:
            raise RequestError(403, "this server shows a run and has no model: GET /status works.")
        if self._kind is None and any(sample.t is not None for sample in samples):
            raise RequestError(403, "t: the events of this model are those of its own source.")
        with self.lock:
            made: list[Any] = []
            try:
                for sample in samples:
                    made.append(self.model.predict_one(sample.x, **self._id(sample)))
            except REFUSED as error:
                raise self._refusal(error, made, len(samples), "were predicted") from None
        return [as_json(prediction) for prediction in made]

    def status_json(self, whole: bool = True) -> str:
        """Return what the monitor knows, as JSON; not `whole`: without the points of all rows."""
        text, made = self._accounts[whole]
        if time.monotonic() - made > FRESH:
            with self.lock:
                snapshot = self.monitor.snapshot()
            if not whole:
                del snapshot["series"]
            text = json.dumps(snapshot, allow_nan=False)
            self._accounts[whole] = (text, time.monotonic())
        return text

    def model_bytes(self) -> bytes:
        """Return the saved model."""
        if self.model is None:
            raise RequestError(403, "this server shows a run and has no model: GET /status works.")
        with self.lock:
            try:
                return self.model.to_bytes()
            except TypeError as error:
                raise RequestError(422, f"this model cannot be saved: {error}") from None

    def _played(self, sample: Sample) -> Any:
        identity = self._id(sample)
        prediction = self.model.predict_one(sample.x, **identity)
        self.model.learn_one(sample.x, sample.y, w=sample.w, **identity)
        self.changes += 1
        return prediction

    def _id(self, sample: Sample) -> dict[str, Any]:
        if sample.t is None:
            return {}
        self.changes += 1
        if not self._takes_ids:
            raise ValueError(f"t: a {type(self.model).__name__} takes no ids of events")
        return {"t": sample.t}

    def _refusal(
        self, error: Exception, made: list[Any], of: int, done: str = "were learnt"
    ) -> RequestError:
        what = str(error) or type(error).__name__
        if of == 1:
            return RequestError(422, what)
        what = f"sample {len(made) + 1}: {what}; the {len(made)} before it {done}."
        return RequestError(422, what, predictions=[as_json(prediction) for prediction in made])

    def _watch(self, samples: Sequence[Sample], made: list[Any], seconds: float) -> None:
        """Show the samples to the monitor, beside the last target as the simplest prediction."""
        import numpy as np

        kind = self._kind
        assert kind is not None
        targets = [kind.point(sample.y) for sample in samples]
        points = [kind.point(prediction) for prediction in made]
        lasts = []
        for target in targets:
            lasts.append(self._last)
            if target is not None and target == target:
                self._last = target
        rows = range(self.rows + 1, self.rows + 1 + len(made))
        self.rows += len(made)
        if kind.task == "regression":
            columns: list[Any] = [np.array(column) for column in (targets, points, lasts)]
        else:
            columns = [targets, points, lasts]
        self.monitor.played(rows, None, columns[0], columns[1:], seconds)
