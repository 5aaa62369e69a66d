"""The networks of a comparison: one for each configuration and seed."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from ..contestants import Network
from ..network import build_network, warm_up
from ..settings import Settings, Task
from .settings import VARIED, CompareSettings

#: Units from which on several cores work at one network.
WIDE = 256

#: How a name says a value.
WORDS = {
    "cell": "{}",
    "hidden_size": "{} units",
    "truncation": "K {}",
    "optimizer": "{}",
    "lr": "lr {:g}",
}


@dataclass
class Entry:
    """A configuration, with a network of each seed."""

    name: str
    settings: Settings
    networks: list[Network]


def entries(settings: CompareSettings, task: Task) -> list[Entry]:
    """Return fresh networks of all configurations.

    Raises
    ------
    click.UsageError
        If they are too many, or options do not fit together.
    """
    differing = [name for name in VARIED if name == "cell" or len(settings.varied[name]) > 1]
    found = []
    for one in settings.configurations():
        name = ", ".join(_word(what, getattr(one, what)) for what in differing)
        seeds = range(one.seed, one.seed + settings.seeds)
        models = [build_network(replace(one, seed=seed), task) for seed in seeds]
        # Several play at once: what others take must not count. But where threads of its own work
        # at a network, this one does not know what they take.
        has_threads = one.hidden_size >= WIDE or one.key is not None
        clock = time.perf_counter if has_threads else time.thread_time
        networks = [Network(name, model, clock=clock) for model in models]
        found.append(Entry(name, one, networks))
    return found


def warm_up_all(found: list[Entry], task: Task) -> None:
    """Have all code compiled, or loaded, before any time is taken."""
    for entry in found:
        warm_up(entry.networks[0].model, entry.settings, task)


def _word(what: str, value: Any) -> str:
    return "lr default" if value is None else WORDS[what].format(value)
