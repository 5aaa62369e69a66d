"""The last targets in a PyTorch module: taken in, told to the network, passed on.

Imports torch.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from streamrnn.scaling import COUNT, LIMIT, M2, MEAN, UNSCALED_LIMIT, reach
from streamrnn.travel.snapshot import Snapshot

#: Hidden state (layers, batch, H), of an LSTM with the cell state; (layers, H) without a batch.
State: TypeAlias = Tensor | tuple[Tensor, Tensor]


class Scaling(NamedTuple):
    """How numbers are standardised, as `streamrnn.scaling` does it with moments that stay."""

    moments: Tensor | None  # count, mean and sum of squared deviations, float64, (3, n)
    clip: Tensor | None  # deviations beyond which a number counts as at that distance, ()

    def scaled(self, values: Tensor) -> Tensor:
        """Standardise by the moments and each value itself; missing ones are 0."""
        if self.moments is None:
            return torch.where(values.abs() <= UNSCALED_LIMIT, values, 0.0)
        count, mean, m2 = self.moments[COUNT] + 1.0, self.moments[MEAN], self.moments[M2]
        values = self._within_reach(torch.where(values.abs() <= LIMIT, values, mean), self.moments)
        change = values - mean
        deviation = values - (mean + change / count)
        return self.clipped(_by_deviation(deviation, m2 + change * deviation, count))

    def scaled_change(self, change: Tensor) -> Tensor:
        """Standardise by the moments, the mean being 0, and each change itself."""
        if self.moments is None:
            return change
        change = self._within_reach(change, self.moments)
        m2 = self.moments[M2] + change * change
        return self.clipped(_by_deviation(change, m2, self.moments[COUNT] + 1.0))

    def unscaled(self, z: Tensor) -> Tensor:
        """Take outputs to the target's units."""
        if self.moments is None:
            return z
        count, z = self.moments[COUNT], self.clipped(z)
        deviation = (self.moments[M2] / count.clamp(min=1.0)).sqrt()
        return torch.where(count > 0.0, self.moments[MEAN] + z * deviation, z)

    def clipped(self, values: Tensor) -> Tensor:
        """Bring scaled numbers within the clip; others stay."""
        if self.clip is None or self.moments is None:
            return values
        return torch.clamp(values, -self.clip, self.clip)

    def _within_reach(self, values: Tensor, moments: Tensor) -> Tensor:
        if self.clip is None:
            return values
        count = moments[COUNT].clamp(min=1.0)
        most = reach(count, torch.sqrt(moments[M2] / count), self.clip)
        most = torch.where(moments[M2] > 0.0, most, torch.inf)
        return torch.clamp(values, moments[MEAN] - most, moments[MEAN] + most)


def _by_deviation(value: Tensor, m2: Tensor, count: Tensor) -> Tensor:
    # Both branches are computed, and a NaN in the one not taken would spoil the gradient.
    safe = torch.where(m2 > 0.0, m2, 1.0)
    return torch.where(m2 > 0.0, value / torch.sqrt(safe / count), 0.0)


class Carried(NamedTuple):
    """What is carried from step to step; None for what a model does not look at.

    Without a batch the first axis of all but the hidden state is missing, as is its second.
    """

    rnn: State | None  # as PyTorch has it
    x_before: Tensor | None = None  # (batch, features): scaled features of the step before
    #: (batch, K, outputs + 1): targets of the last K steps, the newest first, as the network is
    #: told them; the last column is 1 where they are known.
    targets: Tensor | None = None
    last: Tensor | None = None  # (batch, targets): last known values, NaN if there are none


class Targets(nn.Module):
    """What a model makes of the targets that it is told. Nothing in it is trained.

    Parameters
    ----------
    snapshot
        The numbers.
    """

    change_share: Tensor
    change_scale: Tensor

    def __init__(self, snapshot: Snapshot) -> None:
        super().__init__()
        self.decoding = snapshot.decoding
        self.n_targets, self.n_outputs = snapshot.n_targets, snapshot.n_outputs
        self.n_read = max(snapshot.n_recent, 1)
        # These follow from what travels as change_fit and target_moments.
        self.register_buffer("change_share", tensor(snapshot.change_share), persistent=False)
        self.register_buffer("change_scale", tensor(snapshot.change_scale), persistent=False)

    def forward(
        self, y: Tensor, carried: Carried, scaling: Scaling
    ) -> tuple[Tensor | None, Tensor | None, Carried]:
        """Go through a sequence.

        Parameters
        ----------
        y
            With each step the target of the step before it, float64, (..., T, targets).
        carried
            What is carried into the first step.
        scaling
            That of the targets, or of their changes.

        Returns
        -------
        tuple
            For each step targets from the newest known one on, (..., T, targets, outputs), and the
            last known values, (..., T, outputs); and what is carried out of the last step.
        """
        rows, last = carried.targets, carried.last
        told, lasts = [], []
        for t in range(y.shape[-2]):
            rows, last = self._taken(y[..., t, :], rows, last, scaling)
            if rows is not None:
                told.append(self._from_the_newest_known(rows))
                rows = torch.cat([torch.zeros_like(rows[..., :1, :]), rows[..., :-1, :]], dim=-2)
            if last is not None:
                lasts.append(last)
        return (
            torch.stack(told, dim=-3) if told else None,
            torch.stack(lasts, dim=-2) if lasts else None,
            carried._replace(targets=rows, last=last),
        )

    def _taken(
        self, y: Tensor, rows: Tensor | None, last: Tensor | None, scaling: Scaling
    ) -> tuple[Tensor | None, Tensor | None]:
        """Take in the target of the step before; what `rows` already know of it stays."""
        usable = y.abs() <= (UNSCALED_LIMIT if scaling.moments is None else LIMIT)  # NaN is not
        if rows is not None:
            usable = usable & (rows[..., 0, -1:] == 0.0)
            newest = torch.cat(
                [self._told(y, usable, last, scaling), usable.any(dim=-1, keepdim=True)], dim=-1
            ).to(rows.dtype)
            newest = torch.where(rows[..., 0, -1:] == 0.0, newest, rows[..., 0, :])
            rows = torch.cat([newest.unsqueeze(-2), rows[..., 1:, :]], dim=-2)
        return rows, None if last is None else torch.where(usable, y, last)

    def _told(self, y: Tensor, usable: Tensor, last: Tensor | None, scaling: Scaling) -> Tensor:
        """Tell a target as the ring of targets does, (..., outputs); 0 where it is not usable."""
        if self.decoding == "softmax":
            places = torch.arange(self.n_outputs, device=y.device)
            return ((y == places) & usable).double()
        if self.decoding in ("logistic", "sigmoid"):
            return torch.where(usable, y + y - 1.0, 0.0)
        if last is None:
            return scaling.scaled(torch.where(usable, y, torch.nan))
        change = torch.where(usable & ~last.isnan(), y - last, 0.0)
        return scaling.scaled_change(change)

    def _from_the_newest_known(self, rows: Tensor) -> Tensor:
        """Read as many targets as are needed, the newest known one first; 0 beyond the oldest."""
        newest = rows[..., -1].argmax(dim=-1, keepdim=True)  # 0 if none is: then all rows are 0
        places = newest + torch.arange(self.n_read, device=rows.device)
        oldest = rows.shape[-2] - 1
        shape = (*places.shape, self.n_outputs)
        found = rows[..., :-1].gather(-2, places.clamp(max=oldest).unsqueeze(-1).expand(shape))
        return torch.where((places <= oldest).unsqueeze(-1), found, 0.0)


def spread(values: Tensor | None, lead: tuple[int, ...]) -> Tensor | None:
    """Copy values for each stream of a batch of this shape."""
    return None if values is None else values.expand(*lead, *values.shape).clone()


def tensor(array: np.ndarray | None) -> Tensor | None:
    """Return an array as a tensor of its own."""
    return None if array is None else torch.from_numpy(array.copy())
