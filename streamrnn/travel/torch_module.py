"""A model as a PyTorch module. Imports torch, so it is imported only where torch is asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from streamrnn.scaling import COUNT, M2, MEAN
from streamrnn.travel.snapshot import HEADS, Snapshot
from streamrnn.travel.torch_targets import (
    Carried,
    Scaling,
    State,
    Targets,
    spread,
    tensor,
)

_LAYERS: dict[str, tuple[type[nn.RNNBase], dict[str, Any]]] = {
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
    "rnn": (nn.RNN, {"nonlinearity": "tanh"}),
    "rnn_relu": (nn.RNN, {"nonlinearity": "relu"}),
}


class Readout(nn.Linear):
    """A linear layer that reads inputs beside the hidden state.

    Parameters
    ----------
    snapshot
        The numbers.
    """

    bound: Tensor | None

    def __init__(self, snapshot: Snapshot) -> None:
        dtype = _dtype(snapshot)
        super().__init__(snapshot.hidden_size, snapshot.n_outputs, dtype=dtype)
        self.wide = HEADS[snapshot.head].removeprefix("head.")
        weight = torch.empty(snapshot.weights[HEADS[snapshot.head]].shape, dtype=dtype)
        self.register_parameter(self.wide, nn.Parameter(weight))
        bound = np.array(snapshot.bound) if np.isfinite(snapshot.bound) else None
        self.register_buffer("bound", tensor(bound))

    def forward(self, h: Tensor, inputs: Tensor) -> Tensor:
        """Read hidden states, (..., H), and inputs, (..., columns), which are clipped."""
        if self.bound is not None:
            bound = self.bound.to(inputs.dtype)
            inputs = torch.maximum(torch.minimum(inputs, bound), -bound)
        return super().forward(h) + nn.functional.linear(inputs, getattr(self, self.wide))


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
        ``nn.Linear``, or a `Readout`, which is one that reads inputs, too.
    targets
        What it makes of the targets that it is told; None for a model that looks at none.
    input_moments
        Buffer, float64, (3, features): count, mean and sum of squared deviations of the inputs;
        None where they are not scaled.
    target_moments
        Buffer, the same of the targets, (3, outputs), or of their changes.
    initial_state
        Buffer, (states, layers, H): what the estimator carried; `carried_state` gives it the shape
        that `forward` takes.
    initial_x_before, initial_targets, initial_last
        Buffers, what else it carried: see `Carried`. None for what the model does not look at.
    level_moments, change_fit
        Buffers of a model that predicts changes: moments of the levels, (3, outputs), and sums that
        say how far its changes are trusted, (4, outputs).
    feature_names
        Names of the columns of x.
    labels
        Names of the outputs, None if they have none.
    """

    input_moments: Tensor | None
    target_moments: Tensor | None
    scale_clip: Tensor | None
    initial_state: Tensor
    initial_x_before: Tensor | None
    initial_targets: Tensor | None
    initial_last: Tensor | None
    level_moments: Tensor | None
    change_fit: Tensor | None

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.feature_names = snapshot.features
        self.labels = snapshot.labels
        self.decoding = snapshot.decoding
        self.n_lags = snapshot.n_lags
        self.n_recent = snapshot.n_recent
        kind, more = _LAYERS[snapshot.cell]
        self.rnn = kind(
            input_size=snapshot.n_features + snapshot.n_lags,
            hidden_size=snapshot.hidden_size,
            num_layers=snapshot.num_layers,
            batch_first=True,
            dtype=_dtype(snapshot),
            **more,
        )
        self.head = _head(snapshot)
        self._take_weights(snapshot.weights)
        self.targets = Targets(snapshot) if snapshot.knows_targets else None
        for name in (
            "scale_clip",
            "input_moments",
            "target_moments",
            "level_moments",
            "change_fit",
        ):
            self.register_buffer(name, tensor(getattr(snapshot, name)))
        self.register_buffer("initial_state", tensor(snapshot.state))
        for name, values in snapshot.memory._asdict().items():
            self.register_buffer(f"initial_{name}", tensor(values))

    def _take_weights(self, weights: dict[str, np.ndarray]) -> None:
        parameters = dict(self.rnn.named_parameters())
        parameters |= {f"head.{name}": p for name, p in self.head.named_parameters()}
        with torch.no_grad():
            for name, parameter in parameters.items():
                parameter.copy_(torch.from_numpy(weights[name]))

    def carried_state(self, batch: int | None = None) -> State | Carried:
        """Return the state that the estimator carried when it was exported, to go on from it.

        Parameters
        ----------
        batch
            Length of the batch axis, None for no such axis.
        """
        parts = [part.clone() for part in self.initial_state]
        if batch is not None:
            parts = [part.unsqueeze(1).repeat(1, batch, 1) for part in parts]
        rnn: State = (parts[0], parts[1]) if len(parts) == 2 else parts[0]
        lead = () if batch is None else (batch,)
        carried = Carried(
            rnn,
            spread(self.initial_x_before, lead),
            spread(self.initial_targets, lead),
            spread(self.initial_last, lead),
        )
        return carried if self._remembers else rnn

    @property
    def _remembers(self) -> bool:
        """Whether more is carried than the hidden state."""
        return self.targets is not None or self.initial_x_before is not None

    def _carried(self, state: State | Carried | None, lead: tuple[int, ...]) -> Carried:
        """Return what is carried, of as many streams as there are; nothing is known at first."""
        if state is None:
            last = spread(self.initial_last, lead)
            return Carried(
                None,
                _zeros_like(spread(self.initial_x_before, lead)),
                _zeros_like(spread(self.initial_targets, lead)),
                None if last is None else torch.full_like(last, torch.nan),
            )
        if isinstance(state, Carried) != self._remembers:
            raise ValueError("state is not what carried_state() or an earlier call has returned")
        return state if isinstance(state, Carried) else Carried(state)

    def forward(
        self, x: Tensor, state: State | Carried | None = None, y: Tensor | None = None
    ) -> tuple[Tensor, State | Carried]:
        """Predict every step of a sequence.

        Parameters
        ----------
        x
            Raw features, (T, n) or (batch, T, n), columns as in `feature_names`; float64 where
            single precision would lose digits. NaN is a missing value and counts as the mean.
        state
            Where to start from: what `carried_state` or an earlier call returned. That is the
            hidden state, of an LSTM with the cell state, (layers, H), or (layers, batch, H); for a
            model that looks at the targets before, or at the features of the step before, a
            `Carried`. None starts from zeros, as in PyTorch, with nothing known;
            `carried_state` is where the estimator was.
        y
            For a model that looks at the targets before: with each step the target of the step
            before it, (T, targets) or (batch, T, targets), in its units; of a classifier the place
            of the label in `labels`, of several labels 1 and 0. NaN where it is not known, or the
            state knows it, as the estimator's does. None: no target is known.

        Returns
        -------
        tuple
            Predictions, float64, (T, outputs) or (batch, T, outputs), in the target's units or as
            probabilities; and the state after the last step.
        """
        z, state, last = self._run(x, state, y)
        return self.decoded(z, last), state

    def outputs(
        self, x: Tensor, state: State | Carried | None = None, y: Tensor | None = None
    ) -> tuple[Tensor, State | Carried]:
        """Do as `forward`, but return the head's outputs: scaled numbers, log-odds or logits.

        Losses such as ``nn.CrossEntropyLoss`` are given these.
        """
        z, state, _ = self._run(x, state, y)
        return z, state

    def _run(
        self, x: Tensor, state: State | Carried | None, y: Tensor | None
    ) -> tuple[Tensor, State | Carried, Tensor | None]:
        """Return the head's outputs, the state after the last step, and the last known targets."""
        if y is not None and self.targets is None:
            raise ValueError("the model looks at no targets, and y is given")
        seen = self.scaled(x).to(self.head.weight.dtype)
        carried = self._carried(state, x.shape[:-2])
        read, rows, last = [seen], None, None
        if self.targets is not None:
            y = x.new_full((*x.shape[:-1], self.targets.n_targets), torch.nan) if y is None else y
            rows, last, carried = self.targets(y.double(), carried, self._of_targets)
        if self.n_lags and rows is not None:
            read.append(rows[..., 0, :])
        inputs = torch.cat(read, dim=-1)
        h, rnn = self.rnn(inputs, carried.rnn)
        if not isinstance(self.head, Readout):
            z = self.head(h)
        else:
            z = self.head(h, self._read_by_the_head(inputs, seen, carried, rows, last))
        if carried.x_before is not None:
            carried = carried._replace(x_before=seen[..., -1, :])
        return z, carried._replace(rnn=rnn) if self._remembers else rnn, last

    def _read_by_the_head(
        self,
        inputs: Tensor,
        seen: Tensor,
        carried: Carried,
        rows: Tensor | None,
        last: Tensor | None,
    ) -> Tensor:
        """Return all inputs of the head, as `streamrnn.lags.write_recent` has them."""
        read = [inputs]
        if carried.x_before is not None:
            before = torch.cat([carried.x_before.unsqueeze(-2), seen[..., :-1, :]], dim=-2)
            read.append(before)
        if self.n_recent and last is not None and self.level_moments is not None:
            read.append(_levels(last, self.level_moments.double()).to(seen.dtype))
        if self.n_recent and rows is not None:
            read.append(rows.flatten(-2))
        return torch.cat(read, dim=-1)

    def scaled(self, x: Tensor) -> Tensor:
        """Return raw features as the network sees them, float64; missing ones are 0."""
        return self._scaling(self.input_moments).scaled(x.double())

    def _scaling(self, moments: Tensor | None) -> Scaling:
        clip = None if self.scale_clip is None else self.scale_clip.double()
        return Scaling(None if moments is None else moments.double(), clip)

    @property
    def _of_targets(self) -> Scaling:
        return self._scaling(self.target_moments)

    def decoded(self, z: Tensor, last: Tensor | None = None) -> Tensor:
        """Turn the head's outputs into predictions, float64.

        Parameters
        ----------
        z
            The outputs, (..., outputs).
        last
            Of a model that predicts changes: the last known targets, in their units, NaN where none
            is known.
        """
        z = z.double()
        if self.decoding == "softmax":
            return z.softmax(dim=-1)
        if self.decoding == "logistic":
            return torch.cat([-z, z], dim=-1).sigmoid()
        if self.decoding == "sigmoid":
            return z.sigmoid()
        if self.level_moments is not None and self.targets is not None:
            if last is None:
                raise ValueError("the model predicts changes: decoded() needs the last targets")
            mean = self.level_moments.double()[MEAN]
            change = self._of_targets.clipped(z * self.targets.change_share)
            return torch.where(last.isnan(), mean, last) + change * self.targets.change_scale
        return self._of_targets.unscaled(z)


def _dtype(snapshot: Snapshot) -> torch.dtype:
    return torch.float64 if snapshot.dtype == "float64" else torch.float32


def _head(snapshot: Snapshot) -> nn.Linear:
    if HEADS[snapshot.head]:
        return Readout(snapshot)
    return nn.Linear(snapshot.hidden_size, snapshot.n_outputs, dtype=_dtype(snapshot))


def _levels(last: Tensor, moments: Tensor) -> Tensor:
    """Standardise the last known targets by the levels' moments; 0 where there is none."""
    can_tell = ~last.isnan() & (moments[M2] > 0.0)
    scale = (
        torch.where(moments[M2] > 0.0, moments[M2], 1.0) / moments[COUNT].clamp(min=1.0)
    ).sqrt()
    return torch.where(can_tell, (last - moments[MEAN]) / scale, 0.0)


def _zeros_like(values: Tensor | None) -> Tensor | None:
    return None if values is None else torch.zeros_like(values)
