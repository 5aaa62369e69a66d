"""Weights of an estimator, under PyTorch's names and in its layout."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from streamrnn import weights
from streamrnn.estimators import blocks
from streamrnn.estimators.features import FeatureIndex
from streamrnn.estimators.outputs.protocol import Outputs
from streamrnn.layout import initial_parameters
from streamrnn.model import Model


class Weighted:
    """Weights can be read, and taken over."""

    _model: Model
    _features: FeatureIndex
    _outputs: Outputs

    def get_weights(self) -> dict[str, np.ndarray]:
        """Return copies of all weights, with PyTorch's names and in its layout.

        Returns
        -------
        dict
            ``weight_ih_l0`` (gates * H, inputs), ``weight_hh_l0`` (gates * H, H), ``bias_ih_l0``
            and ``bias_hh_l0`` (gates * H,), the same for each further layer, ``head.weight``
            (outputs, H), ``head.bias`` (outputs,), of heads that read inputs ``head.skip`` or
            ``head.inputs`` (outputs, columns); see `streamrnn.weights`. Columns of ``weight_ih_l0``
            are in the order of `feature_names`, then come those of the last target where it is an
            input. Weights that are learnt by recursive least squares are among them.
        """
        model = self._model
        with model.lock:
            parts = model.parts
            return weights.get(model.plugins, model.sizes, parts.parameters, parts.head_memory)

    def _gradients(self) -> dict[str, np.ndarray]:
        """Return the gradient of the last update, regularised and clipped, named as weights."""
        model = self._model
        with model.lock:
            named = weights.get(model.plugins, model.sizes, model.gradient)
        return {name: gradient.astype(np.float64) for name, gradient in named.items()}

    def _take_weights(
        self,
        given: Mapping[str, np.ndarray],
        features: Sequence[Hashable] | None,
        names: Sequence[Hashable],
        n_outputs: int,
    ) -> None:
        """Take over weights; `names` are those of outputs that have none so far.

        A head that learns by recursive least squares is as uncertain of them as of its first ones.
        """
        model = self._model
        arrays = weights.as_arrays(given, model.blueprint.dtype)
        n_lags = model.blueprint.sized(0, n_outputs).n_lags
        n_inputs = weights.n_inputs(arrays) - n_lags
        if model.sizes.n_inputs not in (0, n_inputs):
            raise ValueError(
                f"weight_ih_l0 has {n_inputs + n_lags} columns, the model has "
                f"{model.sizes.n_inputs + n_lags} inputs"
            )
        new_features = self._names_of_columns(features, n_inputs, n_lags)
        sizes = model.blueprint.sized(max(n_inputs, 0), n_outputs)
        weights.check(model.plugins, sizes, arrays)
        if sizes != model.sizes:
            model.grow(n_inputs, n_outputs)
        parts = model.parts
        for parameters in (parts.parameters, *initial_parameters(model.sizes, parts)):
            weights.put(model.plugins, model.sizes, parameters, parts.head_memory, arrays)
        self._features.add(new_features)
        self._outputs.add(names)

    def _names_of_columns(
        self, features: Sequence[Hashable] | None, n_inputs: int, n_lags: int
    ) -> list[Hashable]:
        """Check the names that `set_weights` was given; return those that are new."""
        known = self._features.names
        if features is None:
            return []
        names = blocks.distinct(features)
        if known and names != known:
            raise ValueError(f"features={names}, but the model has learnt {known}")
        if len(names) != n_inputs:
            columns = f"{n_inputs + n_lags} columns"
            if n_lags:
                columns += f", the last {n_lags} for the last target"
            raise ValueError(f"features has {len(names)} names, weight_ih_l0 has {columns}")
        self._features.limit.check("features", names)
        return [] if known else names

    def _names_of_outputs(
        self, given: Sequence[Hashable] | None, weights: Mapping[str, np.ndarray], what: str
    ) -> tuple[list[Hashable], int]:
        """Check the names of outputs that `set_weights` was given.

        Returns those that are new, and how many outputs there are to be; `what` is the argument.
        """
        known = self._outputs.names
        names = known if given is None else blocks.distinct(given)
        if known and names != known:
            raise ValueError(f"{what}={names}, but the model has learnt {known}")
        self._outputs.limit.check(what, names)
        n_outputs = self._model.plugins.loss.n_outputs(len(names))
        if not names and np.shape(weights.get("head.bias", ())) != (n_outputs,):
            raise ValueError(
                f"the model has seen no {self._outputs.word}: give {what}=, one for each output"
            )
        return ([] if known else names), n_outputs
