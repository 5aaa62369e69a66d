"""What every recurrent estimator shares: parameters, growth, state, copying."""

from __future__ import annotations

import abc
import copy
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from river import base

from streamrnn._checks import check_count
from streamrnn._registry import is_plugin
from streamrnn.blueprint import Blueprint
from streamrnn.estimators import blocks
from streamrnn.estimators.arguments import blueprint_of
from streamrnn.estimators.diagnosed import Diagnosed
from streamrnn.estimators.features import FeatureIndex, feature
from streamrnn.estimators.outputs.protocol import Outputs
from streamrnn.estimators.saved import SavedEstimator
from streamrnn.estimators.travel import Exporting
from streamrnn.estimators.weighted import Weighted
from streamrnn.model import Model

#: Arguments that bound how much a model grows.
_LIMITS = ("max_features", "max_classes", "max_targets", "max_labels")


class RecurrentEstimator(SavedEstimator, Weighted, Diagnosed, Exporting, base.Estimator):
    """Base of the estimators; holds no arithmetic.

    A subclass stores its constructor's arguments under their names and calls `_build`. The model
    itself is ``_model``; the features are in ``_features``, what targets are to it in ``_outputs``.
    """

    cell: Any
    hidden_size: int
    num_layers: int
    truncation: int
    update_every: int
    loss_window: int
    activations: Any
    optimizer: Any
    lr: Any
    clip_norm: float | str | None
    clip_value: float | None
    clip_units: float | None
    l2: float
    l1: float
    weight_decay: float | None
    l2_init: float
    shrink: float
    perturb: float
    loss: Any
    head: Any
    init: str
    scale_inputs: bool
    scale_clip: float | None
    scale_memory: int | None
    max_features: int | None
    dtype: str
    seed: int | None

    def _keep_arguments(self, arguments: dict[str, Any]) -> None:
        """Keep the constructor's arguments under their names, as River's ``clone`` asks."""
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    def _build(self) -> None:
        """Make the model, without inputs so far, from the constructor's arguments."""
        self._prepare()
        self._model = Model(self._blueprint())

    def _prepare(self) -> None:
        """Make all but the model: names, events, the watch for drift."""
        for name in _LIMITS:
            if getattr(self, name, None) is not None:
                check_count(name, getattr(self, name), 1)
        self._outputs = self._new_outputs()
        self._features = FeatureIndex(limit=self.max_features)

    @abc.abstractmethod
    def _new_outputs(self) -> Outputs:
        """Return what targets are to the network; it has no names so far."""

    def _blueprint(self, seed: int | None = None) -> Blueprint:
        """Return what the model is made of; `seed` is that of a model which is restored."""
        return blueprint_of(self, (self._outputs.task,), self._outputs.n_targets, seed)

    # --- River's conventions

    def _get_params(self) -> dict[str, Any]:
        """Return the constructor's arguments.

        River's ``clone`` trips over empty tuples. A plug-in object without fields is one: its class
        stands for it. For any other a list does.
        """
        params = super()._get_params()
        for name, value in params.items():
            if isinstance(value, tuple) and not value:
                params[name] = type(value) if is_plugin(type(value)) else []
        return params

    def __getstate__(self) -> dict[str, Any]:
        """Return a copy that no other thread changes while it is pickled or copied on."""
        with self._model.lock:
            return copy.deepcopy(self.__dict__)

    def __copy__(self) -> RecurrentEstimator:
        """Copy deeply: two estimators that share a model but not its size would be none."""
        return copy.deepcopy(self)

    # --- one sample

    def _add_features(self, names: Sequence[Hashable]) -> None:
        """Give new features columns: first those that `set_weights` made, then new ones."""
        n = len(self._features.names) + len(names)
        if n > self._model.sizes.n_inputs:
            self._model.grow(n, self._model.sizes.n_outputs)
        self._features.add(names)

    def _predict_row(self, x: Mapping[Hashable, Any]) -> np.ndarray:
        model = self._model
        self._features.fill(x, model.row)
        model.run_one(False)
        return model.answer

    def _accept(self, x: Mapping[Hashable, Any]) -> None:
        """Check a sample to learn from and make room for its new features; all or nothing."""
        if self._features.fill(x, self._model.row):
            return
        unseen = self._checked(x)
        if unseen:
            self._add_features(unseen)
            self._features.fill(x, self._model.row)
        self._features.pass_over(x)

    def _checked(self, x: Mapping[Hashable, Any]) -> list[Hashable]:
        """Check a sample; return the names of its features that have no column."""
        self._features.fill(x, self._model.row)
        unseen = self._features.unseen(x)
        for name in unseen:
            feature(name, x[name])
        return unseen

    def _add_outputs(self, names: Sequence[Hashable]) -> None:
        """Give new names of the target outputs: first those that there are, then new ones."""
        outputs, model = self._outputs, self._model
        n_outputs = self._n_outputs_with(names)
        if n_outputs > model.sizes.n_outputs:
            model.grow(model.sizes.n_inputs, n_outputs)
        outputs.add(names)

    def _n_outputs_with(self, names: Sequence[Hashable]) -> int:
        """Return how many outputs there will be; ValueError if the loss cannot have them."""
        return self._model.plugins.loss.n_outputs(self._outputs.n_targets + len(names))

    def _block(
        self, X: Any, features: Sequence[Hashable] | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Line up a block with the model's columns; make room for its new features.

        The second value is what the first row's prediction was before there was room: that is what
        `predict_one` would have answered.
        """
        names, values = blocks.columns(X, features)
        ignored = [name for name in names if name in self._features.ignored]
        if ignored:
            raise ValueError(f"features {ignored} tell the key and the time and are no inputs")
        unseen = self._features.unseen(names) if len(values) else []
        before = None
        if unseen:
            before = self._predict_row(dict(zip(names, values[0], strict=True))).copy()
            self._add_features(unseen)
        if len(values):
            self._features.pass_over(names)
        return self._lined_up(names, values), before

    def _lined_up(self, names: Sequence[Hashable], values: np.ndarray) -> np.ndarray:
        """Put the columns of a block, (T, n), to their places, NaN where there is none."""
        places = {name: place for place, name in enumerate(self._features.names)}
        known = [i for i, name in enumerate(names) if name in places]
        rows = np.full((len(values), self._model.sizes.n_inputs), math.nan)
        rows[:, [places[names[i]] for i in known]] = values[:, known]
        return rows

    # --- for users

    @property
    def counters(self) -> dict[str, int]:
        """What was counted so far.

        ``samples`` learnt from or passed by, ``updates`` made, of these ``clipped``; updates
        ``skipped`` because the gradient was not finite; ``missing_values`` among the features
        (absent, None, NaN, infinite); ``missing_targets``; ``state_resets`` because the state was
        not finite.
        """
        with self._model.lock:
            return self._model.counters

    def reset_state(self) -> None:
        """Start again from a zero hidden state and an empty window, as at a break in the stream.

        What was learnt stays: weights, optimizer, scaling. With ``update_every > 1``, losses since
        the last update are dropped.
        """
        with self._model.lock:
            self._model.reset_state()

    @property
    def feature_names(self) -> list[Hashable]:
        """Names of the features that have a column, in the columns' order."""
        return list(self._features.names)
