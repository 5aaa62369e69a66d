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
    was_undone
        Whether models are not as they were before what failed: it took with it what they had learnt
        earlier, and was only on the device.

    Examples
    --------
    >>> from streamrnn.backends.errors import DeviceError
    >>> DeviceError("the device is gone", is_lost=True).is_lost
    True
    """

    def __init__(self, message: str, is_lost: bool = False, was_undone: bool = False) -> None:
        super().__init__(message)
        self.is_lost = is_lost
        self.was_undone = was_undone
