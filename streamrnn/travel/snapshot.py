"""What of a model travels: weights, scaling, carried state and names, as plain arrays."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from streamrnn import cells, heads, losses, weights
from streamrnn.changes import shrinkage
from streamrnn.losses.protocol import decode, identity
from streamrnn.model import Model
from streamrnn.scaling import COUNT, FOREVER, M2, MEAN
from streamrnn.statistics import statistics_parts
from streamrnn.travel import memory
from streamrnn.travel.memory import Memory, checked

#: Cells that PyTorch and ONNX can express, by type: a foreign cell may have any name.
CELLS: dict[type, str] = {kind: name for name, kind in cells.registry().items()}

#: Heads that can travel, and the weight by which each reads the inputs, if it does.
HEADS: dict[str, str] = {"linear": "", "linear_skip": "head.skip", "rls": "head.inputs"}

#: How the outputs of the losses that are no regression become a prediction.
_DECODINGS = {"cross_entropy": "softmax", "logistic": "logistic", "binary_cross_entropy": "sigmoid"}


class Snapshot(NamedTuple):
    """A model's numbers at one moment, apart from what only learning needs.

    The optimizer, the certainty of a head that learns by recursive least squares and the window of
    the last steps stay behind, but for what predictions take from it: whoever learns on starts with
    new ones.
    """

    cell: str
    #: Under PyTorch's names, see `streamrnn.weights`; the first inputs are the features, the others
    #: lags.
    weights: dict[str, np.ndarray]
    #: Carried state, (n_states, num_layers, H): the hidden states, then, of an LSTM, the cells'.
    state: np.ndarray | None = None
    #: Count, mean and sum of squared deviations of the inputs, (3, features); None if not scaled.
    input_moments: np.ndarray | None = None
    #: The same of the targets, (3, outputs), or of their changes, the mean being 0.
    target_moments: np.ndarray | None = None
    #: Outputs to prediction: "identity", "softmax", "logistic" or "sigmoid"; None if not known.
    decoding: str | None = None
    #: Names of the columns and of the outputs, as far as they have any.
    features: list[Hashable] | None = None
    labels: list[Hashable] | None = None
    #: Inputs after the features: those that tell the last target.
    n_lags: int = 0
    #: Last targets that the head reads.
    n_recent: int = 0
    #: Greatest magnitude of an input of the head.
    bound: float = math.inf
    #: Deviations beyond which a scaled number counts as at that distance, and no prediction lies,
    #: (); None for none.
    scale_clip: np.ndarray | None = None
    #: What is carried beside the state.
    memory: Memory = Memory()
    #: Of a model that predicts changes: count, mean and sum of squared deviations of the levels,
    #: (3, outputs), and the sums that say how far its changes are trusted, (4, outputs).
    level_moments: np.ndarray | None = None
    change_fit: np.ndarray | None = None

    @property
    def hidden_size(self) -> int:
        """Units of a layer."""
        return self.weights["weight_hh_l0"].shape[1]

    @property
    def num_layers(self) -> int:
        """Layers."""
        return sum(name.startswith("weight_hh_l") for name in self.weights)

    @property
    def n_states(self) -> int:
        """Rows of H numbers that a layer carries from step to step."""
        return 2 if self.cell == "lstm" else 1

    @property
    def n_features(self) -> int:
        """Features."""
        return self.weights["weight_ih_l0"].shape[1] - self.n_lags

    @property
    def n_outputs(self) -> int:
        """Outputs of the head."""
        return len(self.weights["head.bias"])

    @property
    def n_targets(self) -> int:
        """Numbers in a target: a label is one."""
        return 1 if self.decoding == "softmax" else self.n_outputs

    @property
    def head(self) -> str:
        """Name of the head."""
        return next(
            name for name, wide in reversed(HEADS.items()) if not wide or wide in self.weights
        )

    @property
    def is_change(self) -> bool:
        """Whether changes are predicted in place of levels."""
        return self.level_moments is not None

    @property
    def n_kept(self) -> int:
        """Steps of which targets are kept."""
        return 0 if self.memory.targets is None else len(self.memory.targets)

    @property
    def knows_targets(self) -> bool:
        """Whether predictions depend on the targets before."""
        return self.memory.targets is not None or self.memory.last is not None

    @property
    def change_share(self) -> np.ndarray:
        """What of a predicted change is trusted, (outputs,); all of it where none is predicted."""
        if self.change_fit is None:
            return np.ones(self.n_outputs)
        return np.array([shrinkage(self.change_fit, k) for k in range(self.n_outputs)])

    @property
    def change_scale(self) -> np.ndarray:
        """By what a scaled change is multiplied to be in the target's units, (outputs,)."""
        if self.target_moments is None:
            return np.ones(self.n_outputs)
        scale, _ = scale_and_shift(self.target_moments)
        return np.where(self.target_moments[COUNT] > 0, scale, 0.0)

    @property
    def dtype(self) -> str:
        """The precision of the weights."""
        return self.weights["weight_hh_l0"].dtype.name


def take(model: Model, features: Sequence[Hashable], labels: Sequence[Hashable] | None) -> Snapshot:
    """Take a snapshot of a model; its lock is held.

    Parameters
    ----------
    model
        The model.
    features
        Names of its columns.
    labels
        Names of its outputs, None if they have none.

    Raises
    ------
    ValueError
        If it has seen no sample or no label yet, or is made of parts that exist only here.
    """
    sizes = model.sizes
    if sizes.n_inputs + sizes.n_lags == 0:
        raise ValueError("the model has no input yet: let it learn from a sample first")
    decoding = decoding_of(model)
    if labels is not None and len(labels) < (2 if decoding == "logistic" else 1):
        raise ValueError(f"the model has seen {list(labels)} as targets only: let it learn first")
    settings = model.blueprint.settings
    moments = statistics_parts(sizes, model.statistics)
    parts, change = model.parts, moments.change
    state = parts.state.reshape(sizes.num_layers, sizes.n_states, sizes.hidden_size)
    return Snapshot(
        cell=_cell(model),
        weights=weights.get(model.plugins, sizes, parts.parameters, parts.head_memory),
        state=state.transpose(1, 0, 2).copy(),
        input_moments=moments.inputs.copy() if settings.scale_inputs else None,
        target_moments=moments.targets.copy() if settings.scale_target else None,
        decoding=decoding,
        features=list(features),
        labels=None if labels is None else list(labels),
        n_lags=sizes.n_lags,
        n_recent=sizes.recent_targets,
        bound=getattr(model.plugins.head, "bound", math.inf),
        scale_clip=np.array(settings.scale_clip) if settings.scale_clip < math.inf else None,
        memory=memory.take(model),
        level_moments=change.levels.copy() if sizes.is_change else None,
        change_fit=change.fit.copy() if sizes.is_change else None,
    )


def _cell(model: Model) -> str:
    cell, head = model.plugins.cell, model.plugins.head
    if type(cell) not in CELLS:
        raise ValueError(f"cell={cell!r} cannot travel; {', '.join(CELLS.values())} can")
    if type(head) not in [heads.registry()[name] for name in HEADS]:
        raise ValueError(f"head={head!r} cannot travel; {', '.join(HEADS)} can")
    return CELLS[type(cell)]


def decoding_of(model: Model) -> str:
    """Say how a model's outputs become predictions; ValueError if that is only known here."""
    loss = model.plugins.loss
    if decode.registry[type(loss)] is identity:
        return "identity"
    if losses.registry().get(loss.name) is not type(loss) or loss.name not in _DECODINGS:
        raise ValueError(f"loss={loss!r} cannot travel: it makes predictions in a way of its own")
    return _DECODINGS[loss.name]


def put_moments(model: Model, snapshot: Snapshot) -> None:
    """Give a model that has the snapshot's weights its scaling and what it carried, too.

    Raises
    ------
    ValueError
        If they do not fit the model.
    """
    sizes, parts = model.sizes, statistics_parts(model.sizes, model.statistics)
    for name, target in (
        ("input_moments", parts.inputs),
        ("target_moments", parts.targets),
        ("level_moments", parts.change.levels),
    ):
        moments = getattr(snapshot, name)
        if moments is not None:
            target[:] = _checked_moments(name, moments, target.shape)
    if snapshot.change_fit is not None:
        fit = parts.change.fit
        fit[:] = checked("change_fit", snapshot.change_fit, fit.shape)
    if snapshot.state is not None:
        shape = (sizes.n_states, sizes.num_layers, sizes.hidden_size)
        state = checked("initial_state", snapshot.state, shape)
        state = state.transpose(1, 0, 2).reshape(sizes.num_layers, -1)
        memory.put(model, snapshot.memory, state)


def _checked_moments(name: str, given: Any, shape: tuple[int, ...]) -> np.ndarray:
    moments = checked(name, given, shape)
    if (moments[[COUNT, M2]] < 0).any():
        raise ValueError(f"{name} has a count or a sum of squares below 0")
    return moments


def moments_of(mean: Any, scale: Any, n_samples: float | None) -> np.ndarray:
    """Return the moments, (3, n), of columns with these means and standard deviations.

    Parameters
    ----------
    mean, scale
        Numbers or vectors, (n,).
    n_samples
        How many samples they are from; None for so many that a stream does not move them.
    """
    mean, scale = np.broadcast_arrays(
        np.atleast_1d(np.asarray(mean, np.float64)), np.atleast_1d(np.asarray(scale, np.float64))
    )
    count = FOREVER if n_samples is None else float(n_samples)
    moments = np.empty((3, *mean.shape))
    moments[COUNT], moments[MEAN], moments[M2] = count, mean, scale * scale * count
    return moments


def scale_and_shift(moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return by what an output is multiplied, and what is then added, to be in the target's units.

    1 and 0 where no target was seen yet; see `streamrnn.scaling.unscale`.
    """
    seen = moments[COUNT] > 0
    variance = moments[M2] / np.where(seen, moments[COUNT], 1.0)
    return np.where(seen, np.sqrt(variance), 1.0), np.where(seen, moments[MEAN], 0.0)
