"""A recurrent feature extractor for River: the hidden state as features of another model."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from river import base

from streamrnn.estimators.arguments import loss_of
from streamrnn.estimators.outputs.flags import Flags
from streamrnn.estimators.outputs.labels import Labels
from streamrnn.estimators.outputs.number import Number
from streamrnn.estimators.outputs.protocol import Outputs
from streamrnn.estimators.parameters import documented
from streamrnn.estimators.supervised import SupervisedEstimator

#: What the losses may be for.
_TASKS = ("regression", "classification", "multilabel")


# Two bases of River's, since its pipelines know the steps before the last by `Transformer`, and its
# unions those that get the target by `SupervisedTransformer`.
@documented(
    'For numbers ``"squared"``, ``"absolute"``, ``"huber"``, ``"quantile"``; for labels '
    '``"cross_entropy"``,\n        ``"logistic"``; for several labels at once '
    '``"binary_cross_entropy"``',
    example="Quantile(q=0.9)",
    scale_target=True,
    limit="max_classes labels",
)
class RNNTransformer(SupervisedEstimator, base.SupervisedTransformer, base.Transformer):
    """Recurrent network whose hidden state gives features to any model of River.

    It learns the target by a head of its own; what it hands on is the top layer's hidden state
    after the step that the sample brings, numbers between -1 and 1 (LSTM, GRU, tanh). Transforming
    changes nothing; in a pipeline River transforms a sample before this learns from it, so the
    model behind learns from the features that it predicted with. In a `TransformerUnion` features
    of one name hide each other: give each transformer a `prefix` of its own.

    Its losses are for numbers by default; labels want ``loss="cross_entropy"``. River's pipelines
    do not tell a transformer which event they transform: where labels come late, its state lags
    behind by the delay, with ids or without.

    {parameters}
    prefix
        The features are called by it and a number: ``"h0"``, ``"h1"``, ...

    {raises}

    Examples
    --------
    >>> from river import linear_model, stats
    >>> from streamrnn import RNNTransformer
    >>> recurrent = RNNTransformer(hidden_size=8, truncation=8, lr=0.01)
    >>> model = recurrent | linear_model.LinearRegression()
    >>> error = stats.Mean()
    >>> for t in range(1200):
    ...     x, y = {"pulse": float(t % 4 == 0)}, float(t % 4)  # only the past tells t % 4
    ...     y_pred = model.predict_one(x)
    ...     if t >= 1000:
    ...         error.update(abs(y - y_pred))
    ...     model.learn_one(x, y)
    >>> error.get() < 0.2  # a linear model of the pulse alone: 0.5
    True
    """

    def __init__(
        self,
        cell: Any = "lstm",
        hidden_size: int = 32,
        num_layers: int = 1,
        truncation: int = 32,
        update_every: int = 1,
        loss_window: int = 1,
        activations: Any = "stored",
        optimizer: Any = "adam",
        lr: Any = None,
        clip_norm: float | str | None = 1.0,
        clip_value: float | None = None,
        clip_units: float | None = None,
        l2: float = 0.0,
        l1: float = 0.0,
        weight_decay: float | None = None,
        l2_init: float = 0.0,
        shrink: float = 0.0,
        perturb: float = 0.0,
        loss: Any = "squared",
        head: Any = "linear",
        init: str = "default",
        scale_inputs: bool = True,
        scale_target: bool = True,
        scale_clip: float | None = None,
        scale_memory: int | None = None,
        lagged_target: bool = False,
        max_features: int | None = 1000,
        max_classes: int | None = 1000,
        drift_detector: Any = None,
        drift_action: Any = "raise_lr",
        prefix: str = "h",
        dtype: str = "float32",
        seed: int | None = 42,
    ) -> None:
        self._keep_arguments(locals())
        self._build()

    def _prepare(self) -> None:
        if not isinstance(self.prefix, str):
            raise TypeError(f"prefix must be a string, got {self.prefix!r}")
        super()._prepare()

    def _build(self) -> None:
        super()._build()
        self._name_units()

    def _restore_state(self, kept: dict[str, Any]) -> None:
        super()._restore_state(kept)
        self._name_units()  # not earlier: now the file has had to show that there are so many

    def _name_units(self) -> None:
        self._names = [f"{self.prefix}{i}" for i in range(self.hidden_size)]

    def _new_outputs(self) -> Outputs:
        """Return what the targets are: what the loss is for decides."""
        task = loss_of(self, _TASKS).task
        if task == "regression":
            return Number()
        if task == "classification":
            return Labels(self.max_classes)
        return Flags(self.max_classes, limit_name="max_classes")

    def transform_one(self, x: Mapping[Hashable, Any]) -> dict[Hashable, float]:
        """Return the hidden state after the step that the sample brings. Changes nothing.

        Parameters
        ----------
        x
            Features by name. New ones are ignored; missing, None and NaN ones count as their mean.

        Returns
        -------
        dict
            ``hidden_size`` numbers by name.

        Raises
        ------
        TypeError
            If a feature is no number.
        """
        with self._model.lock:
            self._predict_row(x)
            return dict(zip(self._names, self._model.hidden.tolist(), strict=True))
