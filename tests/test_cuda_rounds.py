"""Rounds of streams that share their weights, without a device: how rows are cut, what lanes do."""

import numpy as np
import pytest
from device_helpers import rows_of
from engine_helpers import blueprint
from lane_helpers import crew_of_lanes, meeting_place

from streamrnn.backends import cpu
from streamrnn.backends.cuda.placing import placing_for
from streamrnn.backends.cuda.rounds import (
    N_WORDS,
    Rounds,
    add_up,
    chunk_of,
    gather_chunks,
    n_chunks_of,
    update_together,
)
from streamrnn.backends.cuda.stretches import RoundCutter
from streamrnn.fleet import Fleet
from streamrnn.lanes.team import lanes_at
from streamrnn.layout import n_summed
from streamrnn.views import aligned_zeros

CLOSE = {"rtol": 1e-10, "atol": 1e-10}

# --- which rows go together


@pytest.mark.parametrize("counts", [[1], [3, 1, 4], [0, 2, 0, 5, 1], [2] * 9, [0], []])
@pytest.mark.parametrize("most", [1, 4, 100])
@pytest.mark.parametrize("depth", [1, 9, 1000])
def test_rounds_have_each_row_once_and_come_in_their_order(counts, most, depth):
    bounds = np.cumsum([0, *counts])
    cutter, done = RoundCutter(bounds), []
    while (stretch := cutter.cut(most, 2, depth)) is not None:
        several = len(stretch.counts) > 1
        assert stretch.n_rows == len(stretch.rows())
        assert not several or stretch.n_rows <= most
        assert not several or stretch.longest(2) <= depth
        for start, stop in zip(stretch.bounds[:-1], stretch.bounds[1:], strict=True):
            done.append((stretch.streams[start:stop].tolist(), stretch.rows()[start:stop].tolist()))
        assert set(stretch.streams) == set(stretch.models)
    expected = []
    for k in range(max(counts, default=0)):
        streams = [i for i, n in enumerate(counts) if n > k]
        expected.append((streams, [bounds[i] + k for i in streams]))
    assert done == expected


@pytest.mark.parametrize("n", [0, 1, 4, 5, 8191, 8192, 8193, 100_000])
def test_chunks_are_few_and_hold_all_streams(n):
    assert (n_chunks_of(n) - 1) * chunk_of(n) < n or n == 0
    assert n_chunks_of(n) * chunk_of(n) >= n
    assert n_chunks_of(n) <= 2048
    assert chunk_of(n) >= 4


# --- what kernels do, by lanes in turn


def all_rounds(patterns, real, crew):
    """Make what does all rounds as the kernels do: each block in turn, the mean, the update."""
    n_settings = cpu.n_numbers(patterns)

    def run(words):
        shared, n_blocks = int(words[N_WORDS]), int(words[N_WORDS + 2])
        team = lanes_at(crew, shared, int(words[N_WORDS + 1]))
        for _ in range(words[N_WORDS + 3]):
            for block in range(n_blocks):
                gather_chunks(team, patterns, n_settings, words, shared, block, n_blocks)
            for thread in range(7):
                add_up(words, real, thread, 7)
            update_together(team, patterns, n_settings, words, shared)

    return run


class Emulated:
    """Runs a fleet's rounds as a device does, by lanes in turn, in the host's memory."""

    def __init__(self, fleet, n_lanes, n_blocks, shared_limit):
        self.fleet, self.n_lanes, self.n_blocks = fleet, n_lanes, n_blocks
        self.dtype = fleet.blueprint.dtype
        self.placing = placing_for(fleet.sizes, self.dtype, shared_limit, n_lanes=n_lanes)
        patterns = type(fleet.plugins)(*(plugin() for plugin in fleet.blueprint.kind[0]))
        real = np.dtype(self.dtype).type(0)
        self.run = all_rounds(patterns, real, crew_of_lanes(fleet))

    def run_groups(self, slots, bounds, X, Y, out):
        fleet, placing, item = self.fleet, self.placing, np.dtype(self.dtype).itemsize
        stretch = RoundCutter(bounds).cut(len(X), 1, 1 << 30)
        rows, n_chunks = stretch.rows(), n_chunks_of(len(slots))
        models, _ = fleet._addresses(slots, np.arange(len(slots) + 1))
        rates = fleet._coming_rates(fleet._updates, len(stretch.counts))
        shared = meeting_place(fleet, self.n_lanes)
        shared = np.concatenate([shared, aligned_zeros(placing.shared_bytes, "uint8")])
        common, counters = fleet.in_common
        arrays = {
            "settings": fleet.blueprint.numbers,
            "common": common,
            "models": models,
            "streams": stretch.streams,
            "bounds": stretch.bounds,
            "workspace": np.zeros(self.n_blocks * placing.workspace_bytes // item, self.dtype),
            "inputs": X[rows],
            "targets": Y[rows],
            "out": np.zeros_like(out),
            "sums": np.full((n_chunks, n_summed(fleet.sizes)), np.nan, self.dtype),
            "counts": np.zeros(n_chunks + 1, np.int64),
            "counters": counters,
            "rates": rates,
        }
        told = Rounds(
            **{name: cpu.address(array) for name, array in arrays.items()},
            n_models=len(slots),
            n_rounds=len(stretch.counts),
            n_columns=fleet.n_columns,
            n_rates=rates.size,
            done=fleet._updates,
        )
        own = cpu.address(shared), self.n_lanes, self.n_blocks, told.n_rounds
        words = np.array([*told, *fleet.sizes, *placing, *own], np.int64)
        self.run(words)
        assert words[Rounds._fields.index("round")] == told.n_rounds
        out[rows] = arrays["out"]


def compare(rng, counts, n_lanes, shared_limit, **words):
    """Run the rows of some streams on the CPU and by lanes; compare all there is of both."""
    fleets = []
    for _ in range(2):
        fleets.append(Fleet(blueprint(clip_norm=0.3, scale_inputs=True, **words)))
        fleets[-1].grow(2, 1)
        slots = np.array([fleets[-1].take() for _ in counts])
    here, there = fleets
    emulated = Emulated(there, n_lanes, 3, shared_limit)
    for some in (slots[::2], slots):  # half of them begin later
        bounds, X, Y, out = rows_of(rng, counts[: len(some)])
        Y[::5, 0], Y[::3, 1] = np.nan, 0.5
        answer = out.copy()
        here.run_groups(some, bounds, X, Y, out, 1)
        emulated.run_groups(some, bounds, X, Y, answer)
        np.testing.assert_allclose(answer, out, **CLOSE)
    one, other = (fleet.state_of(slots) for fleet in fleets)
    for name in ("rows", "kept", "counters"):
        np.testing.assert_allclose(other[name], one[name], **CLOSE)
    np.testing.assert_allclose(other["fresh"].arena, one["fresh"].arena, **CLOSE)
    assert here.counters["updates"] >= max(counts)
    return emulated


@pytest.mark.parametrize("is_near", [True, False], ids=["weights near", "weights far"])
def test_rounds_by_lanes_in_turn_give_the_numbers_of_the_host(rng, is_near):
    """Of a hundred updates, with weights in shared memory and without."""
    counts = rng.integers(0, 60, 41).tolist()
    limit = 1 << 20 if is_near else 1 << 11
    emulated = compare(rng, counts, 5, limit, hidden_size=9)
    assert (emulated.placing.at_parameters >= 0) == is_near


@pytest.mark.device
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_a_fleet_on_a_device(rng, cell):
    """Four thousand streams of other lengths, in chunks of four, twice."""
    fleets = []
    for backend in ("cpu", "cuda"):
        fleets.append(Fleet(blueprint(cell, hidden_size=16, truncation=8, clip_norm=0.3)))
        fleets[-1].grow(2, 1)
        slots = np.array([fleets[-1].take() for _ in range(4000)])
        fleets[-1].backend = backend
    for _ in range(2):
        bounds, X, Y, out = rows_of(rng, rng.integers(0, 20, len(slots)))
        answer = out.copy()
        for fleet, found in zip(fleets, (out, answer), strict=True):
            fleet.run_groups(slots, bounds, X, Y, found, 2)
        np.testing.assert_allclose(answer, out, rtol=1e-8, atol=1e-10)
    here, there = fleets
    assert there.driver.seconds > 0
    np.testing.assert_allclose(there._common, here._common, rtol=1e-8, atol=1e-10)
    assert here.counters == there.counters
