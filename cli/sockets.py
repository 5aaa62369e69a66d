"""Options of sockets."""

import socket

#: Seconds of silence after which the system asks the other side whether it is still there, and
#: between further questions; after that many without an answer the connection counts as lost.
IDLE, INTERVAL, QUESTIONS = 30, 10, 3


def keep_alive(made: socket.socket) -> None:
    """Let the system find out when the other side has vanished without a word."""
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in keep_alive_options().items():
        made.setsockopt(socket.IPPROTO_TCP, name, value)


def keep_alive_options() -> dict[int, int]:
    """Return what this system knows of the times, by the numbers of the options."""
    values = {"TCP_KEEPIDLE": IDLE, "TCP_KEEPINTVL": INTERVAL, "TCP_KEEPCNT": QUESTIONS}
    return {getattr(socket, name): value for name, value in values.items() if hasattr(socket, name)}
