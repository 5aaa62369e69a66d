"""Garbage collection that does not fall on one of the models."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def old_objects_left_alone() -> Iterator[None]:
    """Keep the collector away from what exists at the start of the block.

    Imports leave hundreds of thousands of objects. To go through them takes some 50 ms, which
    would count as the time of whichever model happens to run: ten times its own in a short run.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
