"""Launches: every row once, in its model's order; no more of them than was said."""

from itertools import pairwise

import numpy as np
import pytest

from streamrnn.backends.cuda import cutting
from streamrnn.backends.cuda.cutting import Cutter, Pace, Piece

COUNTS = [[5], [3, 0, 9, 1], [1] * 50, [100, 2, 2, 2], [0, 0], [7] * 6]


@pytest.mark.parametrize("counts", COUNTS, ids=str)
@pytest.mark.parametrize(("most", "at_once", "depth"), [(1, 1, 1), (4, 2, 3), (10**6, 3, 2)])
def test_each_row_is_in_one_piece_and_those_of_a_model_in_order(counts, most, at_once, depth):
    bounds = np.cumsum([0, *counts])
    cutter, seen = Cutter(bounds), [[] for _ in counts]
    while (piece := cutter.cut(most, at_once, depth)) is not None:
        assert (piece.counts > 0).all()
        assert len(set(piece.models.tolist())) == len(piece.models)
        assert len(piece.rows()) == piece.counts.sum() <= min(most, depth * at_once)
        assert piece.counts.max() <= piece.longest(at_once) <= depth
        owners = np.repeat(piece.models, piece.counts)
        for model, row in zip(owners.tolist(), piece.rows().tolist(), strict=True):
            seen[model].append(row)
    assert seen == [list(range(*pair)) for pair in pairwise(bounds)]


def test_long_models_are_done_in_turns_and_none_waits_for_the_last():
    """Of 8 models with 1000 rows, 4 at once: never fewer than 4 in a launch."""
    cutter = Cutter(np.arange(0, 8001, 1000))
    pieces = []
    while (piece := cutter.cut(10**6, 4, 64)) is not None:
        pieces.append(piece)
    assert {len(piece.models) for piece in pieces} == {4}


def test_the_busiest_block_is_the_one_with_most_rows():
    assert Piece(np.arange(3), np.zeros(3, int), np.array([5, 1, 1])).longest(3) == 5
    assert Piece(np.arange(8), np.zeros(8, int), np.full(8, 2)).longest(4) == 4
    assert Piece(np.arange(3), np.zeros(3, int), np.array([3, 2, 2])).longest(2) == 5


def test_launches_come_to_last_as_long_as_they_should():
    pace, seconds_a_row = Pace(10**5), 3e-4
    for _ in range(10):
        pace.passed(pace.depth, pace.depth * seconds_a_row)
    assert pace.depth * seconds_a_row == pytest.approx(cutting._SECONDS, rel=0.01)
    pace.passed(pace.depth, 100 * cutting._SECONDS)
    assert pace.depth * seconds_a_row <= cutting._SECONDS / 50


def test_nothing_is_learnt_from_a_clock_that_stands_still():
    pace = Pace(1)
    for _ in range(50):
        pace.passed(1, 0.0)
    assert 1 <= pace.depth <= cutting._MOST_ROWS
