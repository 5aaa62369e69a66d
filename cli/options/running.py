"""How a run is done, which is no part of what it finds out."""

import click

from ..settings import Settings
from .values import Choice

backend_option = click.option(
    "--backend",
    type=Choice(["cpu", "cuda", "auto"], {"gpu": "cuda", "nvidia": "cuda"}),
    default=Settings.backend,
    help="Where the network runs: cuda is an NVIDIA GPU, for many models at a time (--key) or very "
    "wide ones; a single narrow one should be slower there. auto: the GPU, if it is found to be "
    "faster once a run takes long.",
)
