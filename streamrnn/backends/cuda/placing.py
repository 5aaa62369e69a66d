"""How a learner is laid over a thread block: how many lanes, and what lies in shared memory."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.actions import copy_together
from streamrnn.lanes.products import n_partial
from streamrnn.lanes.team import Lanes, bytes_shared
from streamrnn.layout import Sizes, n_parameters
from streamrnn.views import ALIGNMENT, address_of, matrix_at, row
from streamrnn.workspace import Workspace, large_size, small_size, workspace_of

#: Threads of a warp. Main has one to itself: the others of its warp could not wait elsewhere.
WARP = 32

#: A block has no fewer lanes, since weight gradients keep more of them busy than a step does, and
#: no more, since registers are then short.
LEAST_LANES, MOST_LANES = 64, 256


class Placing(NamedTuple):
    """How a learner is laid over a block. Bytes, where nothing else is said."""

    n_lanes: int = 0  # threads that work
    before: int = 0  # threads before the first of them: main's warp
    room: int = 0  # parts of products, in numbers
    at_work: int = -1  # where the small half of the workspace is in shared memory; -1: it is not
    at_parameters: int = -1  # likewise the parameters
    shared_bytes: int = 0
    workspace_bytes: int = 0  # of a block in the device's memory

    @property
    def threads(self) -> int:
        """Threads of a block."""
        return self.before + self.n_lanes


def _rounded(n: int, step: int) -> int:
    return -(-n // step) * step


def room_for(sizes: Sizes, n_lanes: int) -> int:
    """Return how many parts of products so many lanes may make of a model of these sizes."""
    H = sizes.hidden_size
    # A head that learns by itself has a square matrix in its memory, at most.
    square = int(sizes.n_head_memory**0.5) + 1
    of_head = n_partial(n_lanes, square, square) if sizes.n_head_memory else 0
    return max(n_partial(n_lanes, H, sizes.gates * H), of_head)


def placing_for(
    sizes: Sizes,
    dtype: str,
    shared_limit: int,
    threads_limit: int = 1024,
    n_lanes: int | None = None,
    warp: int = WARP,
) -> Placing:
    """Lay a learner over a block: as much as there is room for in shared memory.

    Parameters
    ----------
    sizes, dtype
        Of the model.
    shared_limit
        Bytes of shared memory that a block may have.
    threads_limit
        Threads that a block may have.
    n_lanes
        How many lanes; None for one a gate and unit, within bounds.
    warp
        Threads of a warp.

    Raises
    ------
    ValueError
        If not even what lanes share has room.
    """
    item = np.dtype(dtype).itemsize
    if n_lanes is None:
        wanted = _rounded(sizes.gates * sizes.hidden_size, WARP)
        n_lanes = min(max(wanted, LEAST_LANES), MOST_LANES, threads_limit - warp)
    room = room_for(sizes, n_lanes)
    at = _rounded(bytes_shared(n_lanes, room, item), ALIGNMENT * item)
    if at > shared_limit:
        raise ValueError(
            f"a learner of {sizes.hidden_size} units needs {at} bytes of shared memory for "
            f"{n_lanes} lanes, and a block of this device has {shared_limit}"
        )
    places = []
    # What is read most comes first: weights, once a step of the window each.
    for size in (n_parameters(sizes) * item, small_size(sizes) * item):
        fits = at + size <= shared_limit
        places.append(at if fits else -1)
        at += _rounded(size, ALIGNMENT * item) if fits else 0
    at_parameters, at_work = places
    scratch = large_size(sizes) + (small_size(sizes) if at_work < 0 else 0)
    return Placing(n_lanes, warp, room, at_work, at_parameters, at, _rounded(scratch * item, 256))


def placing_of_grid(sizes: Sizes, dtype: str, threads: int, warp: int = WARP) -> Placing:
    """Lay one wide learner over so many threads, of all blocks together; all is in device memory.

    Bits depend on the number of threads, and so on the device.
    """
    item, n_lanes = np.dtype(dtype).itemsize, threads - warp
    scratch = (large_size(sizes) + small_size(sizes)) * item
    room = room_for(sizes, n_lanes)
    return Placing(n_lanes, warp, room, workspace_bytes=_rounded(scratch, 256))


# --- as a kernel sees it


@glue
def placed_parameters(team: Lanes, placing: Placing, shared: int, parameters: np.ndarray) -> int:
    """Copy the parameters to shared memory if they have a place there; return where they are now.

    An address, since on a device no function may return an array.
    """
    if placing.at_parameters < 0:
        return address_of(parameters)
    near, n = shared + placing.at_parameters, parameters.size
    copy_together(team, parameters, n, row(matrix_at(near, 1, n, team.real), 0))
    return near


@glue
def placed_workspace(
    team: Lanes, placing: Placing, sizes: Sizes, shared: int, scratch: int
) -> Workspace:
    """View a block's workspace, its small half in shared memory if it has a place there."""
    large = large_size(sizes)
    at = scratch + large * team.partial.itemsize
    if placing.at_work >= 0:
        at = shared + placing.at_work
    return workspace_of(
        sizes,
        row(matrix_at(scratch, 1, large, team.real), 0),
        row(matrix_at(at, 1, small_size(sizes), team.real), 0),
        team,
    )
