"""A model as a PyTorch module. Imports torch, so it is imported only where torch is asked for."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from streamrnn.scaling import COUNT, LIMIT, M2, MEAN, UNSCALED_LIMIT, reach
from streamrnn.travel.snapshot import Snapshot

_LAYERS: dict[str, tuple[type[nn.RNNBase], dict[str, Any]]] = {
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
    "rnn": (nn.RNN, {"nonlinearity": "tanh"}),
    "rnn_relu": (nn.RNN, {"nonlinearity": "relu"}),
}

#: Hidden state (layers, batch, H), of an LSTM with the cell state; (layers, H) without a batch.
State: TypeAlias = Tensor | tuple[Tensor, Tensor]


class RecurrentModule(nn.Module):
    """What an estimator has learnt, as ``to_torch`` returns it.

    From the same state it predicts what the estimator's ``predict_one`` does, up to rounding, and
    it can be trained on. Its scaling is frozen as it was when it was made: each value is
    standardised by the moments of the stream up to then *and of itself*, as the estimator's
    `predict_one` does, and none is kept.

    Parameters
    ----------
    snapshot
        The numbers.

    Attributes
    ----------
    rnn
        ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN``, batch first, in the estimator's precision.
    head
        ``nn.Linear``.
    input_moments
        Buffer, float64, (3, features): count, mean and sum of squared deviations of the inputs;
        None where they are not scaled.
    target_moments
        Buffer, the same of the targets, (3, outputs).
    scale_clip
        Buffer, float64, (): deviations beyond which an input counts as at that distance, and no
        prediction lies; None for none.
    initial_state
        Buffer, (states, layers, H): what the estimator carried; `carried_state` gives it the shape
        that `forward` takes.
    initial_lag
        Buffer, (lags,): the last target that the estimator knew, as the network sees it; None for
        a model without lags.
    feature_names
        Names of the columns of x.
    labels
        Names of the outputs, None if they have none.
    """

    input_moments: Tensor | None
    target_moments: Tensor | None
    scale_clip: Tensor | None
    initial_state: Tensor
    initial_lag: Tensor | None

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.feature_names = snapshot.features
        self.labels = snapshot.labels
        self.decoding = snapshot.decoding
        self.n_lags = snapshot.n_lags
        kind, more = _LAYERS[snapshot.cell]
        dtype = torch.float64 if snapshot.dtype == "float64" else torch.float32
        self.rnn = kind(
            input_size=snapshot.n_features + snapshot.n_lags,
            hidden_size=snapshot.hidden_size,
            num_layers=snapshot.num_layers,
            batch_first=True,
            dtype=dtype,
            **more,
        )
        self.head = nn.Linear(snapshot.hidden_size, snapshot.n_outputs, dtype=dtype)
        self._take_weights(snapshot.weights)
        self.register_buffer("input_moments", _tensor(snapshot.input_moments))
        self.register_buffer("target_moments", _tensor(snapshot.target_moments))
        self.register_buffer("scale_clip", _tensor(snapshot.scale_clip))
        self.register_buffer("initial_state", _tensor(snapshot.state))
        self.register_buffer("initial_lag", _tensor(snapshot.lag))

    def _take_weights(self, weights: dict[str, np.ndarray]) -> None:
        parameters = dict(self.rnn.named_parameters())
        parameters |= {f"head.{name}": p for name, p in self.head.named_parameters()}
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(torch.from_numpy(weights[name]))

    def carried_state(self, batch: int | None = None) -> State:
        """Return the state that the estimator carried when it was exported, to go on from it.

        Parameters
        ----------
        batch
            Length of the batch axis, None for no such axis.
        """
        parts = [part.clone() for part in self.initial_state]
        if batch is not None:
            parts = [part.unsqueeze(1).repeat(1, batch, 1) for part in parts]
        return (parts[0], parts[1]) if len(parts) == 2 else parts[0]

    def forward(
        self, x: Tensor, state: State | None = None, lag: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Predict every step of a sequence.

        Parameters
        ----------
        x
            Raw features, (T, n) or (batch, T, n), columns as in `feature_names`; float64 where
            single precision would lose digits. NaN is a missing value and counts as the mean.
        state
            Hidden state to start from, of an LSTM with the cell state: (layers, H), or (layers,
            batch, H). None starts from zeros, as in PyTorch; `carried_state` is where the estimator
            was.
        lag
            Further inputs that are not scaled, (T, lags) or (batch, T, lags), for a model with
            lags.

        Returns
        -------
        tuple
            Predictions, float64, (T, outputs) or (batch, T, outputs), in the target's units or as
            probabilities; and the state after the last step.
        """
        z, state = self.outputs(x, state, lag)
        return self.decoded(z), state

    def outputs(
        self, x: Tensor, state: State | None = None, lag: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Do as `forward`, but return the head's outputs: scaled numbers, log-odds or logits.

        Losses such as ``nn.CrossEntropyLoss`` are given these.
        """
        inputs = self.scaled(x).to(self.head.weight.dtype)
        if (lag is None) == bool(self.n_lags):
            raise ValueError(f"the model has {self.n_lags} lags, got lag={lag}")
        if lag is not None:
            inputs = torch.cat([inputs, lag.to(inputs.dtype)], dim=-1)
        h, state = self.rnn(inputs, state)
        return self.head(h), state

    def scaled(self, x: Tensor) -> Tensor:
        """Return raw features as the network sees them, float64; missing ones are 0."""
        x = x.double()
        if self.input_moments is None:
            return torch.where(x.abs() <= UNSCALED_LIMIT, x, 0.0)
        moments = self.input_moments.double()
        count, mean = moments[COUNT] + 1.0, moments[MEAN]
        x = self._within_reach(torch.where(x.abs() <= LIMIT, x, mean), moments)
        change = x - mean
        deviation = x - (mean + change / count)
        m2 = moments[M2] + change * deviation
        # Both branches are computed, and a NaN in the one not taken would spoil the gradient.
        safe = torch.where(m2 > 0.0, m2, 1.0)
        scaled = torch.where(m2 > 0.0, deviation / torch.sqrt(safe / count), 0.0)
        return self._clipped(scaled)

    def _clipped(self, scaled: Tensor) -> Tensor:
        if self.scale_clip is None:
            return scaled
        return torch.clamp(scaled, -self.scale_clip.double(), self.scale_clip.double())

    def _within_reach(self, x: Tensor, moments: Tensor) -> Tensor:
        if self.scale_clip is None:
            return x
        count = moments[COUNT].clamp(min=1.0)
        most = reach(count, torch.sqrt(moments[M2] / count), self.scale_clip.double())
        most = torch.where(moments[M2] > 0.0, most, torch.inf)
        return torch.clamp(x, moments[MEAN] - most, moments[MEAN] + most)

    def decoded(self, z: Tensor) -> Tensor:
        """Turn the head's outputs into predictions, float64."""
        z = z.double()
        if self.decoding == "softmax":
            return z.softmax(dim=-1)
        if self.decoding == "logistic":
            return torch.cat([-z, z], dim=-1).sigmoid()
        if self.decoding == "sigmoid":
            return z.sigmoid()
        return z if self.target_moments is None else self._unscaled(z, self.target_moments.double())

    def _unscaled(self, z: Tensor, moments: Tensor) -> Tensor:
        count, z = moments[COUNT], self._clipped(z)
        deviation = (moments[M2] / count.clamp(min=1.0)).sqrt()
        return torch.where(count > 0.0, moments[MEAN] + z * deviation, z)


def _tensor(array: np.ndarray | None) -> Tensor | None:
    return None if array is None else torch.from_numpy(array.copy())
