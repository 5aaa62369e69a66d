"""What of a model travels: weights, scaling, carried state and names, as plain arrays."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from streamrnn import cells, heads, losses, weights
from streamrnn.lags import write_lags
from streamrnn.losses.protocol import decode, identity
from streamrnn.model import Model
from streamrnn.scaling import COUNT, FOREVER, M2, MEAN
from streamrnn.statistics import statistics_parts

#: Cells that PyTorch and ONNX can express, by type: a foreign cell may have any name.
CELLS: dict[type, str] = {kind: name for name, kind in cells.registry().items()}

#: How the outputs of the losses that are no regression become a prediction.
_DECODINGS = {"cross_entropy": "softmax", "logistic": "logistic", "binary_cross_entropy": "sigmoid"}


class Snapshot(NamedTuple):
    """A model's numbers at one moment, apart from what only learning needs.

    The optimizer and the window of the last steps stay behind: whoever learns on starts with new
    ones.
    """

    cell: str
    #: Under PyTorch's names, see `streamrnn.weights`; the first inputs are the features, the others
    #: lags.
    weights: dict[str, np.ndarray]
    #: Carried state, (n_states, num_layers, H): the hidden states, then, of an LSTM, the cells'.
    state: np.ndarray | None = None
    #: Count, mean and sum of squared deviations of the inputs, (3, features); None if not scaled.
    input_moments: np.ndarray | None = None
    #: The same of the targets, (3, outputs).
    target_moments: np.ndarray | None = None
    #: Outputs to prediction: "identity", "softmax", "logistic" or "sigmoid"; None if not known.
    decoding: str | None = None
    #: Names of the columns and of the outputs, as far as they have any.
    features: list[Hashable] | None = None
    labels: list[Hashable] | None = None
    #: Inputs after the features, which are not scaled.
    n_lags: int = 0
    #: What they are at the next step, (n_lags,).
    lag: np.ndarray | None = None
    #: Deviations beyond which an input counts as at that distance, and no prediction lies, ();
    #: None for none.
    scale_clip: np.ndarray | None = None

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
    lag = np.zeros(sizes.n_lags, model.blueprint.dtype)
    if sizes.n_lags:
        write_lags(sizes, model.parts.targets, moments.counters, lag)
    state = model.parts.state.reshape(sizes.num_layers, sizes.n_states, sizes.hidden_size)
    return Snapshot(
        cell=_cell(model),
        weights=weights.get(model.plugins, sizes, model.parts.parameters),
        state=state.transpose(1, 0, 2).copy(),
        input_moments=moments.inputs.copy() if settings.scale_inputs else None,
        target_moments=moments.targets.copy() if settings.scale_target else None,
        decoding=decoding,
        features=list(features),
        labels=None if labels is None else list(labels),
        n_lags=sizes.n_lags,
        lag=lag if sizes.n_lags else None,
        scale_clip=np.array(settings.scale_clip) if settings.scale_clip < math.inf else None,
    )


def _cell(model: Model) -> str:
    cell, head = model.plugins.cell, model.plugins.head
    if type(cell) not in CELLS:
        raise ValueError(f"cell={cell!r} cannot travel; {', '.join(CELLS.values())} can")
    if type(head) is not heads.registry()["linear"]:
        raise ValueError(f"head={head!r} cannot travel; 'linear' can")
    return CELLS[type(cell)]


def decoding_of(model: Model) -> str:
    """Say how a model's outputs become predictions; ValueError if that is only known here."""
    loss = model.plugins.loss
    if model.sizes.is_change:
        raise ValueError(
            "predict_change=True cannot travel: a module knows no last value to change from"
        )
    if decode.registry[type(loss)] is identity:
        return "identity"
    if losses.registry().get(loss.name) is not type(loss) or loss.name not in _DECODINGS:
        raise ValueError(f"loss={loss!r} cannot travel: it makes predictions in a way of its own")
    return _DECODINGS[loss.name]


def put_moments(model: Model, snapshot: Snapshot) -> None:
    """Give a model that has the snapshot's weights its scaling and its carried state, too.

    Raises
    ------
    ValueError
        If they do not fit the model.
    """
    sizes, parts = model.sizes, statistics_parts(model.sizes, model.statistics)
    for name, target in (("input_moments", parts.inputs), ("target_moments", parts.targets)):
        moments = getattr(snapshot, name)
        if moments is not None:
            target[:] = _checked_moments(name, moments, target.shape)
    if snapshot.state is not None:
        shape = (sizes.n_states, sizes.num_layers, sizes.hidden_size)
        state = _checked("initial_state", snapshot.state, shape)
        model.parts.state[:] = state.transpose(1, 0, 2).reshape(sizes.num_layers, -1)


def _checked(name: str, given: Any, shape: tuple[int, ...]) -> np.ndarray:
    array = np.asarray(given, np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} is {array.shape}, the model needs {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite")
    return array


def _checked_moments(name: str, given: Any, shape: tuple[int, ...]) -> np.ndarray:
    moments = _checked(name, given, shape)
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
