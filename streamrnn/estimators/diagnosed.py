"""What goes on inside an estimator: how far its gradient reaches, its gates, its weights."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from streamrnn import diagnostics
from streamrnn.estimators.features import FeatureIndex
from streamrnn.estimators.outputs.protocol import Outputs
from streamrnn.model import Model


class Diagnosed:
    """Can be looked into. None of this changes the model, and none of it is compiled."""

    _model: Model
    _features: FeatureIndex
    _outputs: Outputs

    def gradient_profile(self) -> np.ndarray:
        """Tell how far back in time the network learns.

        A gradient that vanishes teaches nothing about what was long ago; one that explodes is what
        clipping is for (Bengio, Simard & Frasconi 1994; Pascanu, Mikolov & Bengio 2013).

        Returns
        -------
        numpy.ndarray
            Norms of dL/dh, (num_layers, steps), float64: L is the loss of the newest sample whose
            target is known, not weighted, and h the hidden state of a layer 0, 1, ... steps before
            it, the newest first. At most `truncation` steps; fewer at the start of a stream or if
            targets come late; none if no target in the window is known. The scale is that of scaled
            targets. A head that learns by recursive least squares sends nothing back before it has
            learnt anything.

        Examples
        --------
        >>> from streamrnn import RNNRegressor
        >>> model = RNNRegressor(hidden_size=8, truncation=8)
        >>> for t in range(100):
        ...     model.learn_one({"pulse": t % 3 == 0}, float(t % 3 == 1))
        >>> model.gradient_profile().shape
        (1, 8)
        """
        with self._model.lock:
            return diagnostics.gradient_profile(self._model)

    def gate_saturation(self) -> dict[str, float]:
        """Tell which share of the gates is stuck near an end, where hardly a gradient passes.

        Returns
        -------
        dict
            For each gate the share, from 0 to 1, of its activations over the window, all layers and
            units, that are saturated: below .05 or above .95 where it is a sigmoid (``"input"``,
            ``"forget"``, ``"output"`` of an LSTM, ``"reset"`` and ``"update"`` of a GRU), beyond
            .95 on either side where it is a tanh (``"cell"``, ``"new"``, and ``"hidden"`` of
            ``cell="rnn"``), at 0 where it is rectified (``"hidden"`` of ``"rnn_relu"``). The gates
            of other cells are ``"gate 0"`` and so on, and count as sigmoids, unless the cell says
            what they are. Today's weights, on what the layers saw. NaN without a step.

        Examples
        --------
        >>> from streamrnn import RNNClassifier
        >>> model = RNNClassifier(cell="gru", hidden_size=8)
        >>> model.learn_one({"x": 1.0}, "yes")
        >>> model.gate_saturation()
        {'reset': 0.0, 'update': 0.0, 'new': 0.0}
        """
        with self._model.lock:
            return diagnostics.gate_saturation(self._model)

    def weight_health(self) -> dict[str, dict[str, Any]]:
        """Tell of each block of weights whether it looks as it should.

        Returns
        -------
        dict
            Under each of the names of `get_weights`: ``shape``; ``norm`` and ``largest`` magnitude
            of what is finite; ``non_finite`` and ``zeros``, shares of all values; ``dead``, the
            share of rows that are all zeros. Of a head that learns by recursive least squares
            ``head.covariance``: the ``smallest`` and the ``largest`` number on its diagonal. What
            was scaled is in ``scaling.inputs`` and ``scaling.targets``: names that are ``constant``
            so far, and those never seen, ``unseen``.

        Examples
        --------
        >>> from streamrnn import RNNRegressor
        >>> model = RNNRegressor(hidden_size=8)
        >>> for t in range(20):
        ...     model.learn_one({"clock": t % 4, "site": 7}, t % 4)
        >>> model.weight_health()["scaling.inputs"]["constant"]
        ['site']
        """
        with self._model.lock:
            health = diagnostics.weight_health(self._model)
        for block, names in (
            ("scaling.inputs", self._features.names),
            ("scaling.targets", self._outputs.names),
        ):
            for what in ("constant", "unseen"):
                if block in health:
                    health[block][what] = [_named(i, names) for i in health[block][what]]
        return health

    def flat_weights(self) -> np.ndarray:
        """Return a copy of all weights, (n,), to measure how far updates move them.

        They are in the order of `get_weights`; new features and labels make them more.

        Examples
        --------
        >>> import numpy as np
        >>> from streamrnn import RNNRegressor
        >>> model = RNNRegressor(hidden_size=8)
        >>> model.learn_one({"x": 1.0}, 1.0)
        >>> before = model.flat_weights()
        >>> model.learn_one({"x": 2.0}, 3.0)
        >>> bool(np.linalg.norm(model.flat_weights() - before) > 0)
        True
        """
        with self._model.lock:
            return diagnostics.flat_weights(self._model)


def _named(place: int, names: Sequence[Hashable]) -> Hashable:
    """Return the name at a place, which is its own name without one."""
    return names[place] if place < len(names) else place
