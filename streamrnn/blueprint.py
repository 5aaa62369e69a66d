"""What a model is made of, without its numbers: how they start and how they grow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from streamrnn.columns import n_levels, n_told
from streamrnn.growth import carry_common, shape_of_head
from streamrnn.initialization import (
    SCHEMES,
    initialise_inputs,
    initialise_lags,
    initialise_layers,
    initialise_outputs,
)
from streamrnn.lags import ONE_HOT, SIGNS, VALUES
from streamrnn.layout import Parts, Sizes, initial_parameters, row_width
from streamrnn.learner import Plugins
from streamrnn.updates import Settings, check_rate


class Blueprint:
    """All that two models which start alike have in common. Never changes.

    Parameters
    ----------
    plugins
        Cell, head, loss, optimizer, gradient algorithm and treatment.
    shape
        `Sizes` with the fields that a user chooses, and the number of outputs at first; what
        follows from the plug-ins is filled in by `sized`.
    settings
        Clipping, regularisation, scaling.
    dtype
        ``"float32"`` or ``"float64"``: the precision of all but statistics and predictions.
    init
        Name of the initialisation scheme.
    seed
        Seed of the initial weights.
    lagged_target
        Whether the network sees the last target that is known beside the features: as it is scaled
        in regression, one input a class of which one is 1 in classification, and 1 or -1 for a
        label that holds or does not, as where a loss tells two classes by one output. Zeros if no
        target in the window is known.
    predict_change
        Whether the change from the last known target is predicted in place of its level.
    is_series
        Whether the targets are the coming values of one series, the newest last.

    Raises
    ------
    ValueError
        If the gradient algorithm cannot serve the sizes, or changes are asked for in a task other
        than regression.
    """

    def __init__(
        self,
        plugins: Plugins,
        shape: Sizes,
        settings: Settings,
        dtype: str,
        init: str,
        seed: int,
        lagged_target: bool = False,
        predict_change: bool = False,
        is_series: bool = False,
    ) -> None:
        self.plugins = plugins
        self.shape = shape
        self.settings = settings
        self.dtype = dtype
        self.init = init
        self.seed = seed
        self.lagged_target = lagged_target
        self.predict_change = predict_change
        self.is_series = is_series
        if predict_change and plugins.loss.task != "regression":
            raise ValueError(
                f"predict_change=True is for regression, and loss={plugins.loss.name!r} is for "
                f"{plugins.loss.task}"
            )
        plugins.algorithm.check(self.sized(0, shape.n_outputs))

    @property
    def kind(self) -> tuple[tuple[type, ...], str]:
        """What compiled code depends on: the types of the plug-ins, and the precision."""
        return tuple(type(plugin) for plugin in self.plugins), self.dtype

    @cached_property
    def numbers(self) -> np.ndarray:
        """The settings and the plug-ins' numbers in a line, for the compiled entry point."""
        numbers: list[Any] = list(self.settings)
        plugins: Sequence[Any] = self.plugins
        for plugin in plugins:
            # The learning rate goes its own way: it may be a schedule.
            numbers += [0.0 if hasattr(number, "get") else float(number) for number in plugin]
        return np.array(numbers, np.float64)

    def sized(self, n_inputs: int, n_outputs: int) -> Sizes:
        """Return the sizes of a model with so many inputs and outputs."""
        cell: Any = self.plugins.cell
        head: Any = self.plugins.head
        optimizer: Any = self.plugins.optimizer
        algorithm: Any = self.plugins.algorithm
        n_lags = n_outputs if self.lagged_target else 0
        recent_targets = min(getattr(head, "recent_targets", 0), self.shape.truncation)
        recent_inputs = int(getattr(head, "recent_inputs", False))
        sizes = self.shape._replace(
            n_inputs=n_inputs,
            n_lags=n_lags,
            lags_as=self._lags_as,
            n_outputs=n_outputs,
            n_targets=1 if self.plugins.loss.task == "classification" else n_outputs,
            n_states=cell.n_states,
            gates=cell.gates,
            input_gates=cell.input_gates,
            state_gates=cell.state_gates,
            n_factors=cell.n_factors,
            n_slots=optimizer.n_slots,
            recent_targets=recent_targets,
            recent_inputs=recent_inputs,
            is_change=int(self.predict_change),
            is_series=int(self.is_series),
        )
        told = recent_targets * n_told(sizes) + n_levels(sizes)
        sizes = sizes._replace(n_recent=told + recent_inputs * n_inputs)
        head_shape = (sizes.hidden_size, row_width(sizes, 0), n_outputs)
        return sizes._replace(
            n_head=head.n_parameters(*head_shape),
            n_head_memory=head.n_memory(*head_shape),
            n_memory=algorithm.n_memory(sizes),
            n_scratch=algorithm.n_scratch(sizes),
            n_notes=getattr(optimizer, "n_notes", 0),
            n_initial=self.plugins.treatment.n_initial,
            n_norms=self.plugins.treatment.n_norms,
        )

    @property
    def _lags_as(self) -> int:
        """How the last target is told to the network."""
        loss = self.plugins.loss
        if loss.task == "regression":
            return VALUES
        has_one_output = loss.task == "classification" and loss.n_outputs(2) == 1
        return SIGNS if loss.task == "multilabel" or has_one_output else ONE_HOT

    def n_columns(self, sizes: Sizes) -> int:
        """Return the numbers in a prediction: the outputs, or one a class, of two at least."""
        least = 2 if self.plugins.loss.task == "classification" else 0
        return max(least, sizes.n_outputs)

    def start(self, sizes: Sizes, parts: Parts) -> None:
        """Draw the first weights of a model without inputs; all its numbers are 0 so far."""
        scheme = SCHEMES[self.init]
        initialise_layers(scheme, self.plugins, sizes, parts.parameters, self.seed)
        initialise_lags(scheme, sizes, parts.parameters, self.seed, 0)
        self.plugins.head.start_memory(shape_of_head(sizes), parts.head_memory)
        initialise_outputs(scheme, self.plugins, sizes, parts.parameters, self.seed, 0)
        initial_parameters(sizes, parts)[:] = parts.parameters

    def grow(self, old: Sizes, source: Parts, new: Sizes, target: Parts) -> None:
        """Carry over what streams have in common, and draw the weights that are new."""
        carry_common(self.plugins, old, source, new, target)
        scheme = SCHEMES[self.init]
        for parameters in (target.parameters, *initial_parameters(new, target)):
            initialise_inputs(scheme, new, parameters, self.seed, 0, old.n_inputs)
            initialise_lags(scheme, new, parameters, self.seed, old.n_lags)
            initialise_outputs(scheme, self.plugins, new, parameters, self.seed, old.n_outputs)

    @property
    def is_scheduled(self) -> bool:
        """Whether the learning rate changes from update to update."""
        return hasattr(self.plugins.optimizer.lr, "get")

    def rates(self, done: int, n: int, factor: float) -> np.ndarray:
        """Return the learning rates of the next `n` updates after `done` ones; the last goes on.

        All are multiplied by a factor.

        Raises
        ------
        ValueError
            If one is no rate.
        """
        lr = self.plugins.optimizer.lr
        if not self.is_scheduled:
            check_rate(f"lr={lr!r} times rate_factor={factor!r}", lr * factor)
            return np.array([lr * factor], np.float64)
        rates = np.array([lr.get(done + i) for i in range(max(n, 1))], np.float64) * factor
        for i, rate in enumerate(rates):
            times = "" if factor == 1.0 else f", times rate_factor={factor!r}"
            check_rate(f"lr, from {lr!r} for update {done + i}{times}", rate)
        return rates
