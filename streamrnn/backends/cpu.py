"""The compiled entry point on the CPU: predict, or predict and learn, over a block of samples.

There is one, used for a single sample and for a whole block, for one model and for many, so all of
them run the same machine code and give the same bits. It is told everything in one vector of
integers, addresses among them: nine arrays in its place cost 0.5 µs a call.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import entry, glue, source_digest
from streamrnn.jobs import Team
from streamrnn.layout import Parts, Sizes, arena_parts, common_size, own_size
from streamrnn.learner import ASSIST, LABEL, PREDICT, Plugins, learn, predict
from streamrnn.linalg import Alone
from streamrnn.sharing import assist, begin, end, meet
from streamrnn.statistics import UPDATES, statistics_parts, statistics_size
from streamrnn.updates import Settings
from streamrnn.views import matrix_at, record, row
from streamrnn.workspace import Workspace, workspace_parts, workspace_size


class Call(NamedTuple):
    """What the entry point is told, in this order; the fields of `Sizes` follow.

    The caller keeps the arrays whose addresses are given for as long as the call takes.
    """

    settings: int = 0  # address: fields of `Settings`, then those of each plug-in, float64
    models: int = 0  # address: the fields of `Address` for each model, int64
    bounds: int = 0  # address: model i has the rows bounds[i] to bounds[i + 1], int64
    n_models: int = 0
    workspace: int = 0  # address: scratch, in the models' precision
    inputs: int = 0  # address: raw inputs, (rows, n_inputs) float64; NaN is a missing value
    targets: int = 0  # address: (rows, n_targets + 1) float64; NaN: unknown; last the weight
    out: int = 0  # address: predictions, (rows, n_columns) float64; written
    n_columns: int = 0
    task: int = PREDICT
    age: int = 0  # of the steps that targets belong to, for LABEL
    team: int = 0  # address: figures, then slots of a `Team`
    n_slots: int = 0  # of the team; 0 where nobody helps
    place: int = 0  # the slot of a helper


class Address(NamedTuple):
    """Where the numbers of one model are."""

    common: int = 0  # the two halves of its arena
    own: int = 0
    statistics: int = 0
    rates: int = 0  # learning rates of its coming updates, float64; the last goes on
    n_rates: int = 0


_CALL, ADDRESS, SIZES, SETTINGS = Call(), Address(), Sizes(), Settings()
_CALL_SIZE, ADDRESS_SIZE, _SETTINGS_SIZE = len(_CALL), len(ADDRESS), len(SETTINGS)
INTEGER, DOUBLE = np.int64(0), np.float64(0)

_OPTIMIZER = Plugins._fields.index("optimizer")

#: What the entry points are compiled for: one vector of integers.
ARGUMENTS = (np.zeros(0, np.int64),)


def words(call: tuple[int, ...], sizes: Sizes) -> np.ndarray:
    """Line up the argument of the entry point."""
    return np.array([*call, *sizes], np.int64)


def address(array: np.ndarray) -> int:
    """Return where an array's numbers begin."""
    return int(array.__array_interface__["data"][0])


def n_numbers(patterns: Plugins) -> int:
    """Return how many settings and numbers of plug-ins there are."""
    return _SETTINGS_SIZE + sum(len(pattern) for pattern in patterns)


@glue
def plugins_from(patterns: Plugins, numbers: np.ndarray) -> Plugins:
    """Read the plug-ins' numbers, which come after the settings."""
    head_at = _SETTINGS_SIZE + len(patterns.cell)
    loss_at = head_at + len(patterns.head)
    optimizer_at = loss_at + len(patterns.loss)
    algorithm_at = optimizer_at + len(patterns.optimizer)
    treatment_at = algorithm_at + len(patterns.algorithm)
    return Plugins(
        record(patterns.cell, numbers, _SETTINGS_SIZE),
        record(patterns.head, numbers, head_at),
        record(patterns.loss, numbers, loss_at),
        record(patterns.optimizer, numbers, optimizer_at),
        record(patterns.algorithm, numbers, algorithm_at),
        record(patterns.treatment, numbers, treatment_at),
    )


@glue
def play(
    plugins: Plugins,
    sizes: Sizes,
    settings: Settings,
    call: Call,
    at: Address,
    parts: Parts,
    work: Workspace,
    first: int,
    last: int,
) -> None:
    """Let one model predict its rows, from `first` to before `last`, and learn from them.

    Parameters
    ----------
    plugins, sizes, settings, call
        What all models have in common.
    at, parts
        Where the model is; of its arena, the parts.
    work
        The workspace.
    first, last
        Its rows.
    """
    task, age = call.task, call.age
    inputs = matrix_at(call.inputs, last, sizes.n_inputs, DOUBLE)
    targets = matrix_at(call.targets, last, sizes.n_targets + 1, DOUBLE)
    out = matrix_at(call.out, last, call.n_columns, DOUBLE)
    kept = row(matrix_at(at.statistics, 1, statistics_size(sizes), DOUBLE), 0)
    statistics = statistics_parts(sizes, kept)
    rates = row(matrix_at(at.rates, 1, at.n_rates, DOUBLE), 0)
    done = statistics.counters[UPDATES]
    for t in range(first, last):
        x, y, p = row(inputs, t), row(targets, t), row(out, t)
        if task != LABEL:
            predict(plugins, sizes, settings, parts, statistics, work, x, p)
        if task != PREDICT:
            update = np.intp(statistics.counters[UPDATES] - done)
            lr = rates[update if update < at.n_rates else at.n_rates - 1]
            learn(plugins, sizes, settings, parts, statistics, work, x, y, task, age, lr)


def _run(digest: str, patterns: Plugins, real: Any, crew: tuple) -> Callable[..., None]:
    """Make the entry point for plug-ins of these types; their numbers travel in `settings`."""
    n_settings = n_numbers(patterns)

    def run(words):
        digest  # noqa: B018  (a name in the closure is part of Numba's cache key)
        call = record(_CALL, words, 0)
        team = meet(crew, call.team, call.n_slots)
        if call.task == ASSIST:
            assist(team, call.place)
            return
        begin(team)
        sizes = record(SIZES, words, _CALL_SIZE)
        numbers = row(matrix_at(call.settings, 1, n_settings, DOUBLE), 0)
        settings = record(SETTINGS, numbers, 0)
        plugins = plugins_from(patterns, numbers)
        workspace = row(matrix_at(call.workspace, 1, workspace_size(sizes), real), 0)
        work = workspace_parts(sizes, workspace, team)
        models = matrix_at(call.models, call.n_models, ADDRESS_SIZE, INTEGER)
        bounds = row(matrix_at(call.bounds, 1, call.n_models + 1, INTEGER), 0)
        for m in range(call.n_models):
            at = record(ADDRESS, row(models, m), 0)
            common = row(matrix_at(at.common, 1, common_size(sizes), real), 0)
            own = row(matrix_at(at.own, 1, own_size(sizes), real), 0)
            parts = arena_parts(sizes, common, own)
            play(plugins, sizes, settings, call, at, parts, work, bounds[m], bounds[m + 1])
        end(team)

    return run


def compiled(
    factory: Callable[..., Any], types: tuple[type, ...], dtype: str, *closure: Any
) -> Callable[..., Any]:
    """Compile ``factory(digest, patterns, real, *closure)`` for plug-ins of these types."""
    patterns = Plugins(*(plugin() for plugin in types))
    # A class of the main script is another class in the next process: its code is never found
    # again, and would only fill the folder.
    keep = all(plugin.__module__ != "__main__" for plugin in types)
    digest = f"{source_digest(types)} {dtype} {factory.__module__}"
    real = np.dtype(dtype).type(0)
    return entry(factory, digest, patterns, real, *closure, arguments=ARGUMENTS, keep=keep)


@cache
def run_for(types: tuple[type, ...], dtype: str, is_wide: bool = False) -> Callable[..., Any]:
    """Return the entry point for plug-ins of these types, in the order of `Plugins`, and a dtype.

    Its argument is what `words` returns. That of wide models can share its work with helpers.
    """
    real = np.dtype(dtype).type(0)
    crew: Any = Team(0, 0, types[_OPTIMIZER](), real) if is_wide else Alone()
    return compiled(_run, types, dtype, crew)
