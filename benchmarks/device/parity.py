"""Whether all of them do the same job, before anything is timed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from processes import PeerError, without_paths

from device.contestants import CONTESTANTS, CPU, Field
from device.jobs import Job

#: Greatest difference of predictions, beside the greatest prediction if that is more than 1.
TOLERANCE = 1e-3
#: Seconds for one job, compiling included.
WITHIN = 120.0

Found = list[dict[str, Any]]


def compare(field: Field, jobs: list[tuple[Job, int]]) -> Found:
    """Compare everybody's predictions with those of our own on the CPU, all at the same time.

    Parameters
    ----------
    field
        Who takes part.
    jobs
        Each with a number of samples.

    Returns
    -------
    list
        For each job, and each who serves it: the greatest difference, and whether it is small
        enough; or what went wrong.
    """
    expected = [_predicted(field, CPU, job, samples)["predictions"] for job, samples in jobs]
    others = [name for name in field.present if name != CPU]
    with ThreadPoolExecutor(max(1, len(others))) as pool:
        found = list(pool.map(lambda name: _of_one(field, name, jobs, expected), others))
    order = {job.id: i for i, (job, _) in enumerate(jobs)}
    return sorted((row for rows in found for row in rows), key=lambda row: order[row["job"]])


def _of_one(
    field: Field, name: str, jobs: list[tuple[Job, int]], expected: list[list[list[float]]]
) -> Found:
    found: Found = []
    for (job, samples), reference in zip(jobs, expected, strict=True):
        if not CONTESTANTS[name].serves(job):
            continue
        row: dict[str, Any] = {"contestant": name, "job": job.id, "samples": samples}
        try:
            answer = _predicted(field, name, job, samples)
        except PeerError as error:
            found.append({**row, "agrees": False, "why": without_paths(error)})
            continue
        difference = float(np.abs(np.subtract(answer["predictions"], reference)).max())
        agrees = difference <= TOLERANCE * max(1.0, float(np.abs(reference).max()))
        found.append({**row, "agrees": agrees, "difference": difference, "how": answer["how"]})
    return found


def _predicted(field: Field, name: str, job: Job, samples: int) -> dict[str, Any]:
    return field.ask(name, "check", WITHIN, job=job.as_json, samples=samples)


def objection(found: Found, name: str, job: Job) -> str | None:
    """Say why a contestant's time at a job would mean nothing, None if it does the job.

    It is judged by the jobs of the same way and width that were compared, by those of all widths
    where there is none.
    """
    alike = [row for row in found if row["contestant"] == name and _way(row["job"]) == _way(job.id)]
    width = [row for row in alike if _width(row["job"]) == job.units]
    for row in width or alike:
        if not row["agrees"]:
            what = row.get("why", "it does not agree with ours")
            return f"{row['job']}: {what}"
    return None


def _way(job: str) -> tuple[str, str]:
    return job.partition("-")[0], job.rpartition("-")[2]


def _width(job: str) -> int:
    return int(job.split("-")[2])
