"""River's detectors of drift by the names that the command line gives them."""

from typing import Any

#: Names and classes of ``river.drift``, for errors of any size; and of ``river.drift.binary``, for
#: right and wrong.
OF_ERRORS = {"adwin": "ADWIN", "kswin": "KSWIN", "page-hinkley": "PageHinkley"}
OF_MISTAKES = {"ddm": "DDM", "eddm": "EDDM", "fhddm": "FHDDM", "hddm-a": "HDDMA", "hddm-w": "HDDMW"}

ACTIONS = ("raise_lr", "reset_optimizer", "reset_state")


def detector(name: str, seed: int) -> Any:
    """Return a fresh detector with River's own settings.

    Parameters
    ----------
    name
        One of the names above.
    seed
        Of what it draws, if it draws anything.
    """
    from river import drift

    if name in OF_MISTAKES:
        return getattr(drift.binary, OF_MISTAKES[name])()
    return drift.KSWIN(seed=seed) if name == "kswin" else getattr(drift, OF_ERRORS[name])()
