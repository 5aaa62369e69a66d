"""The last target that is known, as an input of the network beside the features."""

from __future__ import annotations

from typing import Any

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.layout import Sizes
from streamrnn.linalg import fill
from streamrnn.statistics import FILLED, POSITION
from streamrnn.views import row

#: How inputs tell a target: numbers as they are in the ring, and 0 for one that is not known; 1 for
#: what holds, -1 for what does not, and 0 where that is not known; or a class as the one input of
#: several that is 1, and the others 0.
VALUES, SIGNS, ONE_HOT = range(3)


@glue
def write_lags(sizes: Sizes, targets: np.ndarray, counters: np.ndarray, out: np.ndarray) -> None:
    """Write the last target that is known to `out`, (n_lags,); zeros if the window has none.

    Parameters
    ----------
    sizes
        The sizes of the model.
    targets
        The ring of targets, (K, n_targets + 1).
    counters
        Those of the statistics.
    out
        Written.
    """
    fill(out, 0.0)
    position: Any = np.intp(counters[POSITION])
    one = out.dtype.type(1)
    for back in range(np.intp(counters[FILLED])):
        target = row(targets, (position - 1 - back) % sizes.truncation)
        if target[sizes.n_targets] != 0:
            if sizes.lags_as == ONE_HOT:
                out[np.intp(target[0])] = one
                return
            for k in range(out.size):
                if target[k] == target[k]:
                    out[k] = target[k] + target[k] - one if sizes.lags_as == SIGNS else target[k]
            return
