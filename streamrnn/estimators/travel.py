"""Estimators that travel: to PyTorch and back, and to ONNX."""

from __future__ import annotations

import inspect
import os
from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np
from river import base

from streamrnn import heads
from streamrnn._checks import check_number
from streamrnn.estimators.features import FeatureIndex
from streamrnn.estimators.outputs.number import Number
from streamrnn.estimators.outputs.protocol import Outputs
from streamrnn.model import Model
from streamrnn.travel import arrivals, snapshot
from streamrnn.travel.extras import needed
from streamrnn.travel.snapshot import Snapshot


class Exporting:
    """Mixin of the estimators: `to_torch`, `to_onnx`."""

    _model: Model
    _features: FeatureIndex
    _outputs: Outputs

    def to_torch(self) -> Any:
        """Return what was learnt so far as a PyTorch module.

        Returns
        -------
        torch.nn.Module
            A `streamrnn.travel.torch_module.RecurrentModule`: ``rnn`` (``nn.LSTM``, ``nn.GRU`` or
            ``nn.RNN``), ``head`` (``nn.Linear``, or one that reads inputs, too) and the scaling as
            buffers. ``module(x, state)`` takes raw features in the order of `feature_names`, (T, n)
            or (batch, T, n), and returns predictions in the target's units, or probabilities, and
            the state; ``module.carried_state()`` is the state that the estimator is in. From there
            it predicts what `predict_one` does, up to rounding; all that is learnt is frozen. Where
            predictions depend on the targets before (``lagged_target``, ``predict_change``, a head
            that reads them) it is ``module(x, state, y)`` with, at each step, the target of the
            step before, (T, targets), NaN where it is not known. The optimizer does not travel, nor
            the certainty of a head that learns by recursive least squares.

        Raises
        ------
        ImportError
            If PyTorch is not installed (extra ``torch``).
        ValueError
            If no sample or no label was seen yet, or the cell, head or loss is not of PyTorch's.
        """
        taken = self._snapshot()
        needed("torch", "torch", "to_torch()")
        from streamrnn.travel.torch_module import RecurrentModule

        return RecurrentModule(taken)

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write what was learnt so far as an ONNX file: one step, with the state in and out.

        The file has its name only when it is complete; on an error an older one stays as it was.
        The scaling is part of the graph, frozen as it is now. Inputs ``x``, float64, (batch, n),
        raw features in the order of the metadata's ``features``, NaN where missing; where
        predictions depend on the targets before, ``y``, float64, (batch, targets), the target of
        the step before in its units or the place of its label, NaN where it is not known; and what
        is carried: ``h`` and, of an LSTM, ``c``, (layers, batch, H), and as the model needs them
        ``x_before``, ``targets`` and ``last``; see `docs/travel.md`. Outputs ``prediction``,
        float64, (batch, outputs), or ``probabilities``, (batch, labels), and ``label_index``,
        (batch,); and what is carried on, ``h_next`` and so on. Metadata, each JSON: ``features``,
        ``labels`` or ``targets``, ``state`` (what the estimator carries now, to be fed under the
        same names, null for what is not known), ``scaling`` (of the target), ``model``.

        Parameters
        ----------
        path
            The file to write.

        Raises
        ------
        ImportError
            If onnx is not installed (extra ``onnx``).
        ValueError
            If no sample or no label was seen yet, or the cell, head or loss is not of ONNX's.
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import os, tempfile
        >>> from streamrnn import RNNRegressor
        >>> model = RNNRegressor(hidden_size=8)
        >>> model.learn_one({"load": 310.0}, 320.0)
        >>> path = os.path.join(tempfile.mkdtemp(), "model.onnx")
        >>> model.to_onnx(path)
        >>> os.path.getsize(path) > 1000
        True
        """
        taken = self._snapshot()
        needed("onnx", "onnx", "to_onnx()")
        from streamrnn.travel import onnx_file

        onnx_file.write(taken, path)

    def _snapshot(self) -> Snapshot:
        with self._model.lock:
            names = None if isinstance(self._outputs, Number) else self._outputs.names
            return snapshot.take(self._model, list(self._features.names), names)


class Importing:
    """Mixin of the estimators that take over weights: `from_torch`."""

    _model: Model
    _features: FeatureIndex

    @classmethod
    def from_torch(
        cls,
        module: Any,
        *,
        features: Sequence[Hashable] | None = None,
        labels: Sequence[Hashable] | None = None,
        targets: Sequence[Hashable] | None = None,
        cell: str | None = None,
        input_mean: Any = None,
        input_scale: Any = None,
        target_mean: Any = None,
        target_scale: Any = None,
        n_samples_seen: float | None = None,
        **arguments: Any,
    ) -> Self:
        """Make an estimator of an offline-trained PyTorch module, to learn on from a stream.

        Parameters
        ----------
        module
            A module from `to_torch`; or one that holds one ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN``
            and one ``nn.Linear``, which reads the hidden state of the last step; or its
            ``state_dict``, of tensors or arrays. Dropout is left out, missing biases are 0, and
            what else ``forward`` does is not seen.
        features
            Names of the inputs. Without them the columns go to the features in the order in which
            they appear, sorted by name where several appear at once.
        labels, targets
            Names of the outputs: a classifier's labels, or the names of several targets.
        cell
            ``"rnn"`` or ``"rnn_relu"``, which a state_dict does not tell.
        input_mean, input_scale
            What the inputs were standardised by in training, mean and standard deviation, numbers
            or one for each input: the estimator then takes raw inputs. Without them, and without
            scaling in the module, it takes inputs as the module does (``scale_inputs=False``).
        target_mean, target_scale
            The same of the target.
        n_samples_seen
            How many samples these moments are from: they go on with the stream from there. None
            (the default) keeps them as they are, so that predictions are the module's.
        **arguments
            The constructor's other arguments; what follows from the module, such as
            ``hidden_size`` or ``head``, may be left out. A module from elsewhere has a linear head
            and predicts levels.

        Returns
        -------
        estimator
            In the state of a module from `to_torch`, with the last targets that it knew; otherwise
            in a zero state. Gradients reach back to the first sample from here on. A head that
            learns by recursive least squares is as uncertain of its weights as at first.

        Raises
        ------
        ValueError
            If the module is bidirectional, has projections or other weights, or arguments do not
            fit it.
        TypeError
            If it is no module and no state_dict.

        Examples
        --------
        A state_dict of arrays needs no PyTorch; `docs/travel.md` has examples with it.

        >>> import numpy as np
        >>> from streamrnn import RNNRegressor
        >>> rng = np.random.default_rng(0)
        >>> state_dict = {
        ...     "gru.weight_ih_l0": rng.normal(size=(12, 2)),
        ...     "gru.weight_hh_l0": rng.normal(size=(12, 4)),
        ...     "gru.bias_ih_l0": np.zeros(12),
        ...     "gru.bias_hh_l0": np.zeros(12),
        ...     "out.weight": rng.normal(size=(1, 4)),
        ...     "out.bias": np.ones(1),
        ... }
        >>> model = RNNRegressor.from_torch(state_dict, features=["load", "hour"], lr=0.001)
        >>> model.cell, model.hidden_size, model.scale_inputs
        ('gru', 4, False)
        >>> model.learn_one({"load": 0.3, "hour": -1.0}, 0.5)
        """
        arrived = arrivals.read(module, cell)
        if arguments.get("lagged_target"):  # as many as outputs; a foreign module does not say it
            arrived = arrived._replace(n_lags=arrived.n_outputs)
        if n_samples_seen is not None:
            check_number("n_samples_seen", n_samples_seen, 0.0, above=True)
            if input_mean is None and target_mean is None:
                raise ValueError(
                    f"n_samples_seen={n_samples_seen!r} without input_mean or target_mean"
                )
        arrived = arrived._replace(
            input_moments=_moments("input", input_mean, input_scale, n_samples_seen, arrived),
            target_moments=_moments("target", target_mean, target_scale, n_samples_seen, arrived),
        )
        estimator = cls(**_arguments(cls, arrived, arguments))
        names = labels if targets is None else targets
        estimator._settle(arrived, features, arrived.labels if names is None else names)
        return estimator

    def _settle(
        self,
        arrived: Snapshot,
        features: Sequence[Hashable] | None,
        labels: Sequence[Hashable] | None,
    ) -> None:
        """Take over what arrived; only a new estimator does."""
        decoding = snapshot.decoding_of(self._model)
        if arrived.decoding not in (None, decoding):
            raise ValueError(
                f"the module makes predictions by {arrived.decoding}, {type(self).__name__} with "
                f"loss={self._model.plugins.loss.name!r} by {decoding}"
            )
        set_weights: Any = self.set_weights  # type: ignore[attr-defined]
        words = inspect.signature(set_weights).parameters.keys() & {"labels", "targets"}
        if labels is not None and not words:
            raise ValueError(f"the output of {type(self).__name__} has no name, got {labels!r}")
        named = {} if labels is None else dict.fromkeys(words, labels)
        set_weights(arrived.weights, features=features, **named)
        if features is None and arrived.features:  # they may be fewer than the columns
            self._features.add(arrived.features)
        snapshot.put_moments(self._model, arrived)


def _moments(
    side: str, mean: Any, scale: Any, n_samples: float | None, arrived: Snapshot
) -> np.ndarray | None:
    """Return the moments of the inputs or the target: the user's, if any, or those that came."""
    if mean is None and scale is None:
        came: np.ndarray | None = getattr(arrived, f"{side}_moments")
        return came
    if mean is None or scale is None:
        raise ValueError(f"{side}_mean and {side}_scale go together, got {mean!r} and {scale!r}")
    n = arrived.n_features if side == "input" else arrived.n_outputs
    for name, given in ((f"{side}_mean", mean), (f"{side}_scale", scale)):
        try:
            array = np.asarray(given, np.float64)
        except (TypeError, ValueError):
            what = type(given).__name__
            raise TypeError(f"{name} must be a number or {n} of them, got a {what}") from None
        if array.shape not in ((), (n,)):
            raise ValueError(f"{name} has the shape {array.shape}, the module has {n} {side}s")
        if not np.isfinite(array).all() or (name.endswith("scale") and not (array > 0).all()):
            raise ValueError(f"{name} must be finite, a scale above 0, got {given!r}")
    return np.broadcast_to(snapshot.moments_of(mean, scale, n_samples), (3, n))


def _arguments(cls: type, arrived: Snapshot, arguments: dict[str, Any]) -> dict[str, Any]:
    """Complete the constructor's arguments by what arrived; refuse what contradicts it."""
    known = inspect.signature(cls).parameters
    given = dict(arguments)
    for name in ("hidden_size", "num_layers"):
        value = getattr(arrived, name)
        if given.setdefault(name, value) != value:
            raise ValueError(f"{name}={given[name]!r}, but the module has {value}")
    for name, moments in (
        ("scale_inputs", arrived.input_moments),
        ("scale_target", arrived.target_moments),
    ):
        if name not in known:
            if moments is not None:
                raise ValueError(f"{cls.__name__} has no {name}; the moments have no use")
            continue
        given.setdefault(name, moments is not None)
        if moments is not None and not given[name]:
            raise ValueError(f"{cls.__name__} has {name}=False, but there are moments to scale by")
    if not given.setdefault("lagged_target", arrived.n_lags > 0) and arrived.n_lags:
        raise ValueError("lagged_target=False, but the module sees the last target")
    if "predict_change" in known:
        changes = given.setdefault("predict_change", arrived.is_change)
        if changes != arrived.is_change:
            what = "changes" if arrived.is_change else "levels"
            raise ValueError(f"predict_change={changes!r}, but the module predicts {what}")
    if "scale_clip" in known:  # a module from elsewhere clips nothing
        clip = None if arrived.scale_clip is None else float(arrived.scale_clip)
        given.setdefault("scale_clip", clip)
    given.setdefault("head", _head(arrived))
    if arrived.n_kept:  # it may read all of them
        given.setdefault("truncation", arrived.n_kept)
    if issubclass(cls, base.Classifier) and arrived.n_outputs == 1:
        given.setdefault("loss", "logistic")
    return {"cell": arrived.cell, "dtype": arrived.dtype, **given}


def _head(arrived: Snapshot) -> Any:
    """Return the head that the module has; of how it learns the module knows nothing."""
    if arrived.head == "rls":
        return heads.registry()["rls"](lags=float(arrived.n_recent), bound=arrived.bound)
    return arrived.head
