"""What runs many models at once, by its name."""

from __future__ import annotations

from streamrnn._checks import check_choice
from streamrnn.backends.home import HOME, Home

#: What models can be run by.
BACKENDS = ("cpu", "cuda")


def home_of(backend: str, is_shared: bool = False) -> Home:
    """Return what keeps track of a bank's models, which are all in the host's memory so far.

    Parameters
    ----------
    backend
        What runs them.
    is_shared
        Whether they share their weights.

    Raises
    ------
    ValueError
        If the backend is unknown.
    """
    check_choice("backend", backend, BACKENDS)
    if backend == "cpu":
        return HOME
    # Only who asks for it loads it.
    from streamrnn.backends.cuda.fleets import FleetOnDevice
    from streamrnn.backends.cuda.models import OnDevice

    return FleetOnDevice() if is_shared else OnDevice()
