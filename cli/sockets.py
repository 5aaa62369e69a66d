"""Connections over TCP that notice when the other side has vanished."""

import socket

from .errors import DataError
from .retrying import CONNECT_TIMEOUT
from .urls import Url

#: Seconds of silence after which the system asks the other side whether it is still there, and
#: between further questions; after that many without an answer the connection counts as lost.
IDLE, INTERVAL, QUESTIONS = 30, 10, 3


def connected(url: Url) -> socket.socket:
    """Return a connection to a server."""
    made = socket.create_connection(url.hosts[0], timeout=CONNECT_TIMEOUT)
    keep_alive(made)
    return made


def check_trust(error: BaseException, name: str) -> None:
    """Raise what a failed connection is about, if that is a certificate.

    Raises
    ------
    DataError
        If it is not trusted.
    """
    import ssl

    reason: BaseException | None = error
    while reason is not None:
        if isinstance(reason, ssl.SSLCertVerificationError):
            what = f"its certificate is not trusted ({reason.verify_message})"
            raise DataError(what, source=name, remedy="Name those to trust with ?ca=FILE")
        reason = reason.__cause__ or reason.__context__


def keep_alive(made: socket.socket) -> None:
    """Let the system find out when the other side has vanished without a word."""
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    values = {"TCP_KEEPIDLE": IDLE, "TCP_KEEPINTVL": INTERVAL, "TCP_KEEPCNT": QUESTIONS}
    for name, value in values.items():
        # Not every system knows all of them.
        if hasattr(socket, name):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
