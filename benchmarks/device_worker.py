"""The process of a contestant on a device: ``python benchmarks/device_worker.py jax_by_hand``.

It answers the requests told in `device/serving.py`, one line of JSON each.
"""

from __future__ import annotations

import sys
from functools import partial
from importlib import import_module
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "peers"))

import worker
from device import serving


def main() -> None:
    """Serve the contestant that is named."""
    contestant = import_module(f"device.{sys.argv[1]}")
    known = {
        "hello": contestant.hello,
        "check": partial(serving.check, contestant.Streams),
        "time": partial(serving.timed, contestant.Streams),
        **getattr(contestant, "MORE", {}),
    }
    worker.stay_on_cores(worker.threads())
    worker.answer_requests(known)


if __name__ == "__main__":
    main()
