"""Targets that come later than what they belong to: matched by an id, or held back on purpose."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .blocks import Block
from .errors import shown
from .scoreboard import Scoreboard

if TYPE_CHECKING:
    import numpy as np

#: Events that are remembered, as many as the models remember; of more, the oldest are forgotten.
MOST_EVENTS = 10_000


@dataclass
class _Event:
    """What was predicted when it came, and whether its target has come since."""

    predictions: list[Any]
    is_known: bool = False


@dataclass
class Turn:
    """What came of a block.

    Parameters
    ----------
    block, predictions
        The events that are new, and what each model predicted for them, for the record.
    told, told_predictions
        The rows whose targets came, and what had been predicted for their events.
    orphans
        Places in the block of targets whose events never came, or too long ago.
    """

    block: Block
    predictions: list[np.ndarray]
    told: Block
    told_predictions: list[np.ndarray]
    orphans: list[int]


class Late:
    """Play rows one by one: predict an event when it comes, learn its target when that comes.

    Parameters
    ----------
    board
        The models, the network first, then simple baselines; and their scores.
    delay
        How many rows later targets are told than they come.
    note
        Told once if an id seems to be that of more than one event.
    """

    def __init__(
        self, board: Scoreboard, delay: int, note: Callable[[str], None] = lambda text: None
    ) -> None:
        self._board = board
        self._network: Any = board.contestants[0]
        self._baselines: list[Any] = list(board.contestants[1:])
        self._delay = delay
        self._events: OrderedDict[Any, _Event] = OrderedDict()
        self._waiting: deque[tuple[int, Any, Any]] = deque()
        self._has_features = False
        self._note = note
        self._has_noted = False

    def play(self, block: Block) -> Turn:
        """Predict and learn the rows of a block one after the other."""
        samples, known = block.dicts(), block.is_known.tolist()
        targets = block.targets.tolist()
        new: list[int] = []
        predicted: list[_Event] = []
        told: list[tuple[int, Any, _Event]] = []
        orphans: list[int] = []
        for i, number in enumerate(block.numbers):
            # As River's evaluation has it: what is due when a row comes is known before it.
            told += [(i, *one) for one in self._learn_until(number)]
            name = number if block.ids is None else block.ids[i]
            if name not in self._events:
                if known[i] and not samples[i] and self._has_features:
                    orphans.append(i)
                    continue
                self._has_features = self._has_features or bool(samples[i])
                predicted.append(self._predict(name, samples[i]))
                new.append(i)
            elif known[i] and samples[i] and self._events[name].is_known:
                self._doubt(name)
            if known[i]:
                self._waiting.append((number + self._delay, name, targets[i]))
            told += [(i, *one) for one in self._learn_until(number)]
        board, fresh = self._board, _rows(block, new)
        board.saw(fresh)
        board.without_target += sum(not known[i] for i in new)
        return Turn(
            fresh,
            self._columns(block, predicted),
            _told(block, told),
            self._columns(block, [event for _, _, event in told]),
            orphans,
        )

    def finish(self) -> None:
        """Learn the targets that are still held back: the source has ended."""
        self._learn_until(None)

    def _doubt(self, name: Any) -> None:
        """Say that an event came whole a second time: its id may be that of something else."""
        if not self._has_noted:
            self._has_noted = True
            self._note(
                f"the event with id {shown(name)} came before, with its target: its features are "
                "not used again. Each event needs an id of its own (--id); what names a sensor is "
                "a --key."
            )

    def _predict(self, name: Any, x: dict[str, float]) -> _Event:
        started = time.perf_counter()
        prediction = self._network.model.predict_one(x, t=name)
        self._network.seconds += time.perf_counter() - started
        baselines = [baseline.of().predict() for baseline in self._baselines]
        event = self._events[name] = _Event([prediction, *baselines])
        # No more than the model: to it, an event that it has forgotten would be a new one.
        if len(self._events) > MOST_EVENTS:
            self._events.popitem(last=False)
        return event

    def _learn_until(self, number: int | None) -> list[tuple[Any, _Event]]:
        """Tell the targets that are due; return them with their events, each once."""
        told = []
        waiting = self._waiting
        while waiting and (number is None or waiting[0][0] <= number):
            _, name, target = waiting.popleft()
            event = self._events.get(name)
            if event is None:
                continue
            started = time.perf_counter()
            self._network.model.learn_one({}, target, t=name)
            self._network.seconds += time.perf_counter() - started
            if event.is_known:
                continue
            event.is_known = True
            for baseline in self._baselines:
                baseline.of().learn(target)
            self._score(target, event)
            told.append((target, event))
        return told

    def _score(self, target: Any, event: _Event) -> None:
        import numpy as np

        dtype = object if isinstance(target, str) else np.float64
        made = [np.array([prediction], dtype) for prediction in event.predictions]
        self._board.score(np.array([target], dtype), made)

    def _columns(self, block: Block, events: list[_Event]) -> list[np.ndarray]:
        """Return the predictions of each model for some events."""
        import numpy as np

        made = [np.empty(len(events), block.targets.dtype) for _ in self._board.contestants]
        for i, event in enumerate(events):
            for column, prediction in zip(made, event.predictions, strict=True):
                column[i] = prediction
        return made

    # --- for checkpoints

    def state(self) -> dict[str, Any]:
        """Return events and targets that are held back, as JSON can say it."""
        events = [[name, one.predictions, one.is_known] for name, one in self._events.items()]
        waiting = [list(one) for one in self._waiting]
        return {"events": events, "waiting": waiting, "has_features": self._has_features}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        for name, predictions, is_known in state["events"]:
            if len(predictions) != 1 + len(self._baselines):
                raise ValueError(f"an event has {len(predictions)} predictions")
            self._events[name] = _Event([*map(self._checked, predictions)], bool(is_known))
        for due, name, target in state["waiting"]:
            if name in self._events:
                self._waiting.append((int(due), name, self._checked(target)))
        self._has_features = state["has_features"]

    def _checked(self, value: Any) -> Any:
        """Return a target or a prediction out of a file; raise ValueError if it can be none."""
        kinds = int | float if self._board.task == "regression" else str | None
        if not isinstance(value, kinds):
            raise ValueError(f"{value!r:.40} is nothing to predict")
        return value


def _rows(block: Block, places: list[int]) -> Block:
    """Return some rows of a block."""
    if len(places) == len(block):
        return block
    numbers, *beside = (
        None if kept is None else [kept[i] for i in places]
        for kept in (block.numbers, block.times, block.keys, block.ids)
    )
    return Block(block.names, block.X[places], block.targets[places], numbers or [], *beside)


def _told(block: Block, told: list[tuple[int, Any, _Event]]) -> Block:
    """Return the rows with which targets were told, with these targets."""
    import numpy as np

    made = _rows(block, [i for i, _, _ in told])
    targets = np.empty(len(told), block.targets.dtype)
    for i, (_, target, _) in enumerate(told):
        targets[i] = target
    return Block(made.names, made.X, targets, made.numbers, made.times)
