"""The models of a run, each with the time that its own calls took.

All predict every row before they learn from it.
"""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, Protocol

from .baselines import Simple, linear, simple
from .blocks import Block
from .lags import Lags
from .settings import Task
from .suggestions import listed

if TYPE_CHECKING:
    import numpy as np

#: Keys that a baseline remembers; of those beyond, the ones not seen for longest are forgotten.
MOST_KEYS = 100_000


class Contestant(Protocol):
    """A model that takes part in a run."""

    name: str
    seconds: float

    def play(self, block: Block) -> np.ndarray:
        """Predict and learn the rows of a block one after the other; return the predictions.

        They are numbers (float64), or labels (dtype object, None before the first).
        """


class Network:
    """The recurrent network, which replays a block in one call.

    Parameters
    ----------
    name
        Its name in the table.
    model
        An estimator with ``replay``.
    learn
        Whether it learns; otherwise it only goes along.
    backend
        Where blocks of a single stream run.
    clock
        Tells the seconds: those that go by, unless others work at the same time.
    """

    def __init__(
        self,
        name: str,
        model: Any,
        learn: bool = True,
        backend: str = "cpu",
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.name = name
        self.model = model
        self._learns = learn
        # Said only where it matters: not every estimator can go along.
        self._how: dict[str, Any] = {} if learn else {"learn": False}
        self._backend = backend
        self._clock = clock
        self.seconds = 0.0

    def play(self, block: Block) -> np.ndarray:
        """Predict and learn the rows of a block one after the other; return the predictions."""
        if len(block) == 1 and block.keys is None and self._learns:
            return self._play_one(block)
        keys = () if block.keys is None else (block.keys,)
        how = self._how
        if self._backend != "cpu" and not keys:  # a model of many keys knows it by itself
            how = how | {"backend": self._backend}
        started = self._clock()
        features = list(block.names)
        predictions = self.model.replay(*keys, block.X, block.targets, features=features, **how)
        self.seconds += self._clock() - started
        return predictions

    def _play_one(self, block: Block) -> np.ndarray:
        """Do as `play` does with a row that comes alone, in a fifth of the time."""
        import numpy as np

        x = dict(zip(block.names, block.X[0].tolist(), strict=True))
        (target,) = block.targets.tolist()
        predictions = np.empty(1, block.targets.dtype)
        started = self._clock()
        predictions[0] = self.model.predict_one(x)
        self.model.learn_one(x, target)
        self.seconds += self._clock() - started
        return predictions


class Onlooker(Network):
    """A network that stays as it is: it goes along, knows the targets that come, learns nothing.

    Parameters
    ----------
    name, model
        As of a `Network`.
    source
        The name of the source, for the remark.
    note
        Told once of columns that the model does not know, and of those that it misses.
    """

    def __init__(self, name: str, model: Any, source: str, note: Callable[[str], None]) -> None:
        super().__init__(f"{name}, frozen", model, learn=False)
        self._source = source
        self._note: Callable[[str], None] | None = note

    def play(self, block: Block) -> np.ndarray:
        """Predict the rows of a block one after the other; return the predictions."""
        if self._note is not None:
            self._compare(block.names, self._note)
            self._note = None
        return super().play(block)

    def _compare(self, names: Sequence[str], note: Callable[[str], None]) -> None:
        # A model of many keys asks the estimator that it copies, which may know none yet.
        known = getattr(self.model, "feature_names", None)
        if known is None:
            return
        unknown, missing = set(names) - set(known), set(known) - set(names)
        told = []
        if unknown:
            told.append(f"the model does not know {listed(sorted(unknown))}")
        if missing:
            told.append(f"it misses {listed(sorted(missing, key=str))}")
        if told:
            note(f"{self._source}: {', and '.join(told)}.")


class SimpleBaseline:
    """A model of past targets: one, or one a key.

    Parameters
    ----------
    name
        Its name in the table.
    make
        Makes a fresh one.
    """

    def __init__(self, name: str, make: Callable[[], Simple]) -> None:
        self.name = name
        self.seconds = 0.0
        self._make = make
        self._models: OrderedDict[Any, Simple] = OrderedDict()

    def of(self, key: Any = None) -> Simple:
        """Return the model of a key; without keys there is one, that of None."""
        model = self._models.get(key)
        if model is None:
            model = self._models[key] = self._make()
            if len(self._models) > MOST_KEYS:
                self._models.popitem(last=False)
        elif key is not None:
            self._models.move_to_end(key)
        return model

    def play(self, block: Block) -> np.ndarray:
        """Predict and learn the rows of a block one after the other; return the predictions."""
        import numpy as np

        started = time.perf_counter()
        targets, known = block.targets.tolist(), block.is_known.tolist()
        models = repeat(self.of()) if block.keys is None else map(self.of, block.keys)
        made = []
        for model, target, is_known in zip(models, targets, known, strict=False):
            made.append(model.predict())
            if is_known:
                model.learn(target)
        predictions = np.empty(len(block), block.targets.dtype)
        predictions[:] = made
        self.seconds += time.perf_counter() - started
        return predictions

    def state(self) -> Any:
        """Return what it knows, as JSON can say it."""
        return [[key, model.state()] for key, model in self._models.items()]

    def restore(self, state: Any) -> None:
        """Take over what `state` returned."""
        for key, kept in state:
            self.of(key).restore(kept)


class LinearBaseline:
    """A River model, driven row by row, with the last targets among its features.

    Parameters
    ----------
    name
        Its name in the table.
    model
        Anything with ``predict_one`` and ``learn_one``.
    lags
        The last targets.
    """

    def __init__(self, name: str, model: Any, lags: Lags) -> None:
        self.name = name
        self.model = model
        self.seconds = 0.0
        self._lags = lags
        self._diverged = False

    def play(self, block: Block) -> np.ndarray:
        """Predict and learn the rows of a block one after the other; return the predictions."""
        import numpy as np

        blank = None if block.targets.dtype == object else math.nan
        predictions = np.full(len(block), blank, block.targets.dtype)
        started = time.perf_counter()
        if not self._diverged:
            try:
                self._run(block, predictions)
            except ArithmeticError:
                # Plain Python numbers raise on overflow. The others go on without this one.
                self._diverged = True
        self.seconds += time.perf_counter() - started
        return predictions

    def _run(self, block: Block, predictions: np.ndarray) -> None:
        predict, learn, lags = self.model.predict_one, self.model.learn_one, self._lags
        rows = zip(block.dicts(), block.targets.tolist(), block.is_known.tolist(), strict=True)
        for i, (x, y, is_known) in enumerate(rows):
            x = lags.extended(x)
            predictions[i] = predict(x)
            if is_known:
                learn(x, y)
            lags.remember(y if is_known else None)


def baselines(which: str, task: Task, lags: Callable[[], Lags]) -> list[Contestant]:
    """Return fresh baselines.

    Parameters
    ----------
    which
        ``all``, ``simple`` (those that a checkpoint can hold) or ``none``.
    task
        Whether targets are numbers or labels.
    lags
        Makes memories of the last targets.
    """
    found: list[Contestant] = []
    if which != "none":
        found += [SimpleBaseline(name, make) for name, make in simple(task).items()]
    if which == "all":
        found += [LinearBaseline(name, model, lags()) for name, model in linear(task).items()]
    return found
