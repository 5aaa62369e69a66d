"""What the user asked ``streamrnn serve`` for."""

from dataclasses import dataclass

from ..settings import Settings


@dataclass(frozen=True)
class ServeSettings:
    """The options of ``streamrnn serve`` that are not the network's.

    Parameters
    ----------
    network
        What a new model is like.
    model
        A saved model to go on with, instead.
    task
        What the targets of a new model are.
    host, port, token
        Where it is served, and for whom.
    max_body
        Bytes of a request.
    save
        File that the model is saved to.
    save_every
        Seconds between two times.
    quiet
        Only errors.
    """

    network: Settings
    model: str | None = None
    task: str = "regression"
    host: str = "127.0.0.1"
    port: int = 8765
    token: str | None = None
    max_body: int = 1 << 20
    save: str | None = None
    save_every: float = 60.0
    quiet: bool = False
