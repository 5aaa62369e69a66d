"""What can go wrong with a device, in words for users."""

from __future__ import annotations


class DeviceError(RuntimeError):
    """There is no device, or it is too small, or it failed; the message says what to do.

    Parameters
    ----------
    message
        One line.
    is_lost
        Whether this process cannot use the device any more.
    n_set_back
        How many models have lost what they had learnt before the call that failed.

    Examples
    --------
    >>> from streamrnn.backends.errors import DeviceError
    >>> DeviceError("the device is gone", is_lost=True).is_lost
    True
    """

    def __init__(self, message: str, is_lost: bool = False, n_set_back: int = 0) -> None:
        super().__init__(message)
        self.is_lost = is_lost
        self.n_set_back = n_set_back
