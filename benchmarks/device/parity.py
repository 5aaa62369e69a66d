"""Whether all of them do the same job, before anything is timed."""

from __future__ import annotations

from typing import Any

import numpy as np
from processes import PeerError, without_paths

from device.contestants import CONTESTANTS, CPU, Field
from device.jobs import Job

#: Greatest difference of predictions, beside the greatest prediction if that is more than 1.
TOLERANCE = 1e-3
WITHIN = 60.0


def compare(field: Field, job: Job, samples: int) -> list[dict[str, Any]]:
    """Compare everybody's predictions with those of our own on the CPU.

    Returns
    -------
    list
        For each that serves the job: the greatest difference, and whether it is small enough; or
        what went wrong.
    """
    request = {"job": job.as_json, "samples": samples}
    found: list[dict[str, Any]] = []
    expected = np.array(field.ask(CPU, "check", WITHIN, **request)["predictions"])
    for name in field.present:
        if name == CPU or not CONTESTANTS[name].serves(job):
            continue
        row: dict[str, Any] = {"contestant": name, "job": job.id, "samples": samples}
        try:
            answer = field.ask(name, "check", WITHIN, **request)
        except PeerError as error:
            found.append({**row, "agrees": False, "why": without_paths(error)})
            continue
        difference = float(np.abs(np.array(answer["predictions"]) - expected).max())
        agrees = difference <= TOLERANCE * max(1.0, float(np.abs(expected).max()))
        found.append({**row, "agrees": agrees, "difference": difference, "how": answer["how"]})
    return found


def disagreeing(found: list[dict[str, Any]]) -> set[tuple[str, bool, str]]:
    """Return who does another job: contestant, whether weights are shared, activations."""
    return {
        (row["contestant"], row["job"].startswith("shared"), row["job"].rpartition("-")[2])
        for row in found
        if not row["agrees"]
    }
