"""What a client is told when a request cannot be answered: one line, and HTTP's number for it."""

from collections.abc import Mapping
from typing import Any


class RequestError(Exception):
    """A request that is refused.

    Parameters
    ----------
    status
        HTTP's number for the reason.
    what
        One line: what is wrong, where, and how to put it right.
    headers
        Headers of the answer.
    more
        What the answer holds beside ``error``.
    """

    def __init__(
        self,
        status: int,
        what: str,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(what)
        self.status = status
        self.headers = dict(headers or {})
        self.content = {"error": " ".join(what.split())} | more
