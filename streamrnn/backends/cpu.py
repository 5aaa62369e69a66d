"""The compiled entry point on the CPU: predict, or predict and learn, over a block of samples.

There is one, used for a single sample and for a whole block alike, so the loop and the block run
the same machine code and give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from streamrnn._dispatch import entry, source_digest
from streamrnn.layout import (
    UPDATES,
    Sizes,
    arena_parts,
    statistics_parts,
    workspace_parts,
)
from streamrnn.learner import Plugins, learn, predict
from streamrnn.updates import Settings
from streamrnn.views import record, row

_SIZES = Sizes()
_SETTINGS = Settings()
_SETTINGS_SIZE = len(_SETTINGS)


def _run(digest: str, patterns: Plugins) -> Callable[..., None]:
    """Make the entry point for plug-ins of these types; their numbers travel in `settings`."""
    cell_pattern, head_pattern, loss_pattern, optimizer_pattern, algorithm_pattern = patterns
    head_at = _SETTINGS_SIZE + len(cell_pattern)
    loss_at = head_at + len(head_pattern)
    optimizer_at = loss_at + len(loss_pattern)
    algorithm_at = optimizer_at + len(optimizer_pattern)

    def run(sizes, settings, arena, statistics, workspace, X, Y, out, rates, learning):
        digest  # noqa: B018  (a name in the closure is part of Numba's cache key)
        n = record(_SIZES, sizes, 0)
        chosen = record(_SETTINGS, settings, 0)
        plugins = Plugins(
            record(cell_pattern, settings, _SETTINGS_SIZE),
            record(head_pattern, settings, head_at),
            record(loss_pattern, settings, loss_at),
            record(optimizer_pattern, settings, optimizer_at),
            record(algorithm_pattern, settings, algorithm_at),
        )
        parts = arena_parts(n, arena)
        stats = statistics_parts(n, statistics)
        work = workspace_parts(n, workspace)
        first_update = stats.counters[UPDATES]
        for t in range(X.shape[0]):
            values = row(X, t)
            predict(plugins, n, chosen, parts, stats, work, values, row(out, t))
            if learning:
                update = int(stats.counters[UPDATES] - first_update)
                rate = rates[min(update, rates.size - 1)]
                learn(plugins, n, chosen, parts, stats, work, values, row(Y, t), rate)

    return run


@cache
def run_for(types: tuple[type, ...], dtype: str) -> Callable[..., Any]:
    """Return the entry point for plug-ins of these types, in the order of `Plugins`, and a dtype.

    Its arguments: ``sizes`` (the fields of `Sizes`, int64), ``settings`` (the fields of `Settings`
    followed by those of each plug-in, float64), ``arena``, ``statistics``, ``workspace``, ``X``
    (T, n_inputs), ``Y`` (T, n_targets), ``out`` (T, columns), all float64, ``rates`` (learning
    rates of the coming updates; the last goes on), and whether to learn.
    """
    patterns = Plugins(*(plugin() for plugin in types))
    # A class of the main script is another class in the next process: its code is never found
    # again, and would only fill the folder.
    keep = all(plugin.__module__ != "__main__" for plugin in types)
    return entry(_run, f"{source_digest(types)} {dtype}", patterns, keep=keep)
