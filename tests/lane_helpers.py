"""Models that are run by lanes, or by one thread, in plain Python: what is compiled is the same."""

import numpy as np

from streamrnn.backends import cpu
from streamrnn.backends.cuda.placing import room_for
from streamrnn.lanes import forms  # noqa: F401  (registers what lanes do)
from streamrnn.lanes.team import N_WORDS, ROOM, InTurn, Lanes, bytes_shared
from streamrnn.learner import LEARN, PREDICT
from streamrnn.linalg import Alone
from streamrnn.views import aligned_zeros


def meeting_place(model, n_lanes):
    """Memory in which so many lanes of a model meet."""
    room = room_for(model.sizes, n_lanes)
    memory = aligned_zeros(bytes_shared(n_lanes, room, model.arena.itemsize), "uint8")
    memory[: 8 * N_WORDS].view(np.int64)[ROOM] = room
    return memory


def crew_of_lanes(model, turn=0):
    """What the entry point is made with to be run by lanes, one after the other."""
    plugins, real = model.plugins, model.arena.dtype.type(0)
    return Lanes(InTurn(turn), 0, 0, 0, 0, type(plugins.cell)(), type(plugins.optimizer)(), real)


def by_lanes(model, n_lanes, turn=0, make=None):
    """Let a model be run by so many lanes in turn; `make` compiles the entry point."""
    memory = meeting_place(model, n_lanes)
    _run_with(model, crew_of_lanes(model, turn), cpu.address(memory), n_lanes, make)
    model.meeting_place = memory  # for as long as its address is in use
    return model


def by_one(model):
    """Let a model be run by one thread."""
    _run_with(model, Alone(), 0, 0, None)
    return model


def _run_with(model, crew, address, n_lanes, make):
    types, dtype = model.blueprint.kind
    if make is None:
        patterns = type(model.plugins)(*(plugin() for plugin in types))
        run = cpu._run("", patterns, np.dtype(dtype).type(0), crew)
    else:
        run = make(cpu._run, types, dtype, crew)
    model._call = model._call._replace(team=address, n_slots=n_lanes)
    model._words = {
        task: cpu.words(model._call._replace(task=task), model.sizes) for task in model._words
    }
    model._predicting, model._learning = model._words[PREDICT], model._words[LEARN]
    model._entry = lambda words: run(words)
