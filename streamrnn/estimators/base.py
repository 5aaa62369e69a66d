"""What every recurrent estimator shares: parameters, growth, state, weights, copying."""

from __future__ import annotations

import copy
import math
import secrets
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from river import base

from streamrnn import cells, gradients, heads, losses, optimizers, weights
from streamrnn._checks import check_choice, check_count, check_number
from streamrnn._registry import is_plugin, resolve
from streamrnn.blueprint import Blueprint
from streamrnn.cells.protocol import forward
from streamrnn.estimators import blocks
from streamrnn.estimators.features import FeatureIndex, feature
from streamrnn.gradients.protocol import backpropagate
from streamrnn.heads.protocol import read
from streamrnn.initialization import SCHEMES
from streamrnn.layout import Sizes
from streamrnn.learner import Plugins
from streamrnn.losses.protocol import slope
from streamrnn.model import Model
from streamrnn.optimizers.protocol import update
from streamrnn.updates import Settings, check_rate

#: What lets rows of a block predict and learn: the place of the first one in the block, then the
#: arguments of `Model.run`.
Runner = Callable[[int, np.ndarray, np.ndarray, np.ndarray, bool], None]


class RecurrentEstimator(base.Estimator):
    """Base of the estimators; holds no arithmetic.

    A subclass has ``_task``, stores its constructor's arguments under their names and calls
    `_build`. The model itself is ``_model``; the features are in ``_features``.
    """

    _task: ClassVar[str]

    cell: Any
    hidden_size: int
    num_layers: int
    truncation: int
    update_every: int
    loss_window: int
    activations: Any
    optimizer: Any
    lr: Any
    clip_norm: float | None
    clip_value: float | None
    l2: float
    l1: float
    weight_decay: float | None
    loss: Any
    head: Any
    init: str
    scale_inputs: bool
    dtype: str
    seed: int | None

    def _keep_arguments(self, arguments: dict[str, Any]) -> None:
        """Keep the constructor's arguments under their names, as River's ``clone`` asks."""
        for name, value in arguments.items():
            if name not in ("self", "__class__"):
                setattr(self, name, value)

    def _build(self, scale_target: bool) -> None:
        """Make the model from the constructor's arguments."""
        plugins = self._plugins()
        n_targets = 1 if self._task == "regression" else 0  # no label is known yet
        shape = self._shape()._replace(n_outputs=plugins.loss.n_outputs(n_targets))
        settings = self._settings(plugins, scale_target)
        dtype = self.dtype if isinstance(self.dtype, str) else np.dtype(self.dtype).name
        check_choice("dtype", dtype, ("float32", "float64"))
        check_choice("init", self.init, tuple(SCHEMES))
        seed = secrets.randbits(63) if self.seed is None else self.seed
        check_count("seed", seed, 0)
        self._features = FeatureIndex()
        self._model = Model(Blueprint(plugins, shape, settings, dtype, self.init, seed))

    def _plugins(self) -> Plugins:
        optimizer = resolve("optimizer", self.optimizer, optimizers.registry(), update)
        if self.lr is not None:
            if not isinstance(self.optimizer, str):
                raise ValueError(
                    f"lr={self.lr!r} is given and optimizer={self.optimizer!r} has its own lr; "
                    "give one of them"
                )
            optimizer = optimizer._replace(lr=self.lr)
        if isinstance(optimizer.lr, type):
            raise TypeError(f"lr must be a number or a schedule, got the class {optimizer.lr!r}")
        if not hasattr(optimizer.lr, "get"):
            check_number("lr", optimizer.lr, 0.0)
            check_rate("lr", optimizer.lr)
        return Plugins(
            cell=resolve("cell", self.cell, cells.registry(), forward),
            head=resolve("head", self.head, heads.registry(), read),
            loss=self._resolved_loss(),
            optimizer=optimizer,
            algorithm=resolve("activations", self.activations, gradients.registry(), backpropagate),
        )

    def _resolved_loss(self) -> Any:
        known = losses.registry()
        own = {name: kind for name, kind in known.items() if kind.task == self._task}
        # A known name of the other task gets the message on tasks, not that on names.
        is_known = isinstance(self.loss, str) and self.loss in known
        loss = resolve("loss", self.loss, known if is_known else own, slope)
        if loss.task != self._task:
            raise ValueError(
                f"loss={loss.name!r} is for {loss.task}; {type(self).__name__} takes "
                f"{', '.join(map(repr, own))}"
            )
        return loss

    def _shape(self) -> Sizes:
        for name in ("hidden_size", "num_layers", "truncation", "update_every", "loss_window"):
            check_count(name, getattr(self, name), 1)
        for name in ("update_every", "loss_window"):
            if getattr(self, name) > self.truncation:
                raise ValueError(
                    f"{name}={getattr(self, name)} is more than truncation={self.truncation}: "
                    f"losses older than the window cannot be used"
                )
        return Sizes(
            hidden_size=int(self.hidden_size),
            num_layers=int(self.num_layers),
            truncation=int(self.truncation),
            update_every=int(self.update_every),
            loss_window=int(self.loss_window),
        )

    def _settings(self, plugins: Plugins, scale_target: bool) -> Settings:
        decay = self.weight_decay
        if decay is None:
            decay = getattr(plugins.optimizer, "weight_decay", 0.0)
        for name, value in (("l2", self.l2), ("l1", self.l1), ("weight_decay", decay)):
            check_number(name, value, 0.0)
        for name in ("clip_norm", "clip_value"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), 0.0, above=True)
        return Settings(
            clip_norm=math.inf if self.clip_norm is None else float(self.clip_norm),
            clip_value=math.inf if self.clip_value is None else float(self.clip_value),
            l2=float(self.l2),
            l1=float(self.l1),
            weight_decay=float(decay),
            scale_inputs=float(bool(self.scale_inputs)),
            scale_target=float(scale_target),
        )

    # --- River's conventions

    def _get_params(self) -> dict[str, Any]:
        """Return the constructor's arguments.

        A plug-in object without fields is an empty tuple, which River's ``clone`` trips over; its
        class stands for it.
        """
        params = super()._get_params()
        for name, value in params.items():
            if isinstance(value, tuple) and not value and is_plugin(type(value)):
                params[name] = type(value)
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

    def _checked(self, x: Mapping[Hashable, Any]) -> list[Hashable]:
        """Check a sample; return the names of its features that have no column."""
        self._features.fill(x, self._model.row)
        unseen = self._features.unseen(x)
        for name in unseen:
            feature(name, x[name])
        return unseen

    def _learn_accepted(self, target: float) -> None:
        model = self._model
        model.goal[0] = target
        model.run_one(True)

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
        rows = np.full((len(values), self._model.sizes.n_inputs), math.nan)
        if len(values):
            rows[:, [self._features.names.index(name) for name in names]] = values
        return rows, before

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

    def get_weights(self) -> dict[str, np.ndarray]:
        """Return copies of all weights, with PyTorch's names and in its layout.

        Returns
        -------
        dict
            ``weight_ih_l0`` (gates * H, inputs), ``weight_hh_l0`` (gates * H, H), ``bias_ih_l0``
            and ``bias_hh_l0`` (gates * H,), the same for each further layer, ``head.weight``
            (outputs, H), ``head.bias`` (outputs,); see `streamrnn.weights`. Columns of
            ``weight_ih_l0`` are in the order of `feature_names`.
        """
        model = self._model
        with self._model.lock:
            return weights.get(model.plugins, model.sizes, model.parts.parameters)

    def _gradients(self) -> dict[str, np.ndarray]:
        """Return the gradient of the last update, regularised and clipped, named as weights."""
        model = self._model
        with model.lock:
            named = weights.get(model.plugins, model.sizes, model.gradient)
        return {name: gradient.astype(np.float64) for name, gradient in named.items()}

    @property
    def feature_names(self) -> list[Hashable]:
        """Names of the features that have a column, in the columns' order."""
        return list(self._features.names)

    def _put_weights(
        self,
        arrays: Mapping[str, np.ndarray],
        features: Sequence[Hashable] | None,
        n_outputs: int,
    ) -> None:
        model = self._model
        arrays = weights.as_arrays(arrays, model.blueprint.dtype)
        n_inputs = weights.n_inputs(arrays)
        if model.sizes.n_inputs not in (0, n_inputs):
            raise ValueError(
                f"weight_ih_l0 has {n_inputs} columns, the model has {model.sizes.n_inputs} inputs"
            )
        names = self._names_of_columns(features, n_inputs)
        sizes = model.blueprint.sized(n_inputs, n_outputs)
        weights.check(model.plugins, sizes, arrays)
        if sizes != model.sizes:
            model.grow(n_inputs, n_outputs)
        weights.put(model.plugins, model.sizes, model.parts.parameters, arrays)
        self._features.add(names)

    def _names_of_columns(
        self, features: Sequence[Hashable] | None, n_inputs: int
    ) -> list[Hashable]:
        """Check the names that `set_weights` was given; return those that are new."""
        known = self._features.names
        if features is None:
            return []
        names = blocks.distinct(features)
        if known and names != known:
            raise ValueError(f"features={names}, but the model has learnt {known}")
        if len(names) != n_inputs:
            raise ValueError(
                f"features has {len(names)} names, weight_ih_l0 has {n_inputs} columns"
            )
        return [] if known else names
