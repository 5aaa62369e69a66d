"""What one client may ask of the server, so that no client can take it away from the others."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds on requests and connections.

    Parameters
    ----------
    max_body
        Bytes of a request's body. 1 MiB holds some thousand samples.
    max_samples
        Samples in one request: what the model does for one request, all others wait for.
    waiting
        Requests at work or waiting at one time; more are told to come again.
    connections
        Open connections; more are closed at once. Far below the 1,024 files that systems allow a
        process by default.
    header_seconds
        Time for a request's line and headers, from the first moment of the connection on.
    body_seconds
        Time for its body.
    idle_seconds
        Time a connection may be kept between two requests: longer than the page's second.
    answer_seconds
        Time for a client to take some of an answer that it has not read.
    stop_seconds
        Time that requests at work have at the end.
    """

    max_body: int = 1 << 20
    max_samples: int = 10_000
    waiting: int = 64
    connections: int = 256
    header_seconds: float = 10.0
    body_seconds: float = 10.0
    idle_seconds: int = 15
    answer_seconds: float = 30.0
    stop_seconds: int = 10
