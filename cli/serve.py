"""``streamrnn serve``: the options, and a call of `serving.running.run`."""

import os
from dataclasses import fields
from typing import Any

import click

from .options import Choice, check_finite, network_options
from .options.values import Amount, Count
from .serving.settings import ServeSettings
from .settings import Settings

EPILOG = """Exit codes: 2 wrong use, 3 the model cannot be read or saved, 130 and 143 ended by
Ctrl-C or SIGTERM."""

#: What a size may end in.
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "B": 1, "": 1}


def check_size(_: click.Context, __: click.Parameter, text: str) -> str:
    """Refuse what is no size; the text stays as it is, for --show-config."""
    size(text)
    return text


def size(text: str) -> int:
    """Read a size, such as 1MiB.

    Examples
    --------
    >>> size("64 KiB"), size("1000")
    (65536, 1000)
    """
    digits = text.strip().rstrip("BGKMi").strip()
    unit = text.strip()[len(digits) :].strip()
    if not digits.isdecimal() or unit not in UNITS or not int(digits):
        raise click.BadParameter(f"must be a size such as 512KiB or 1MiB, not {text!r}")
    return int(digits) * UNITS[unit]


@click.command(epilog=EPILOG, context_settings={"show_default": True})
@click.option(
    "--model",
    metavar="FILE",
    help="Saved model to go on with.  [default: a new one, or that of --save if there is one]",
)
@click.option(
    "--task",
    type=Choice(["regression", "classification"]),
    default=ServeSettings.task,
    help="What the targets of a new model are: numbers or labels.",
)
@click.option("--host", default=ServeSettings.host, help="Address to listen at.")
@click.option(
    "--port",
    type=Count(0, 65535),
    default=ServeSettings.port,
    help="Port to listen at; 0 takes a free one.",
)
@click.option(
    "--token",
    metavar="TOKEN",
    help="What clients must send as Authorization: Bearer TOKEN; needed where other machines can "
    "reach the address. Better in the environment: others see command lines.  [default: "
    "$STREAMRNN_TOKEN, else none]",
)
@click.option(
    "--max-body",
    metavar="SIZE",
    default="1MiB",
    callback=check_size,
    help="Largest request, in bytes.",
)
@click.option(
    "--save",
    metavar="FILE",
    help="Save the model to FILE now and then and at the end. If FILE is there at the start and "
    "there is no --model, go on with it.",
)
@click.option(
    "--save-every",
    metavar="SECONDS",
    type=Amount(min=0, min_open=True),
    callback=check_finite,
    default=ServeSettings.save_every,
    help="Seconds between two savings.",
)
@network_options
@click.option("--quiet", "-q", is_flag=True, help="No remarks, only errors.")
@click.pass_context
def serve(context: click.Context, **options: Any) -> None:
    """Serve one model over HTTP, with a page that shows how it does.

    POST /learn and /predict take samples as JSON, such as {"x": {"a": 1.5}, "y": 2}; GET / is the
    page, /status its data, /metrics the same for Prometheus, /model the saved model, /healthz says
    that the server is there. docs/serve.md has it all.

    Options of the network are those of a new model.
    """
    own = {field.name for field in fields(ServeSettings)}
    others = {name: value for name, value in options.items() if name in own}
    of_network = {name: value for name, value in options.items() if name not in own}
    # Not click's envvar, which --show-config would print.
    others["token"] = others["token"] or os.environ.get("STREAMRNN_TOKEN") or None
    others["max_body"] = size(others["max_body"])
    settings = ServeSettings(Settings(**of_network), **others)

    from .serving.running import run

    context.exit(run(settings))


# Clients send what the network is to see: there are no columns to take lags from.
serve.params = [parameter for parameter in serve.params if parameter.name != "lags"]
