"""Addresses of servers, such as ``kafka://HOST:PORT/TOPIC?group=NAME``, without their passwords.

Taken apart here and not by `urllib`, to which the ``#`` in an MQTT filter would end the address.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote

import click

from .errors import DataError, shown
from .suggestions import did_you_mean, listed

#: Where a password may be left, as every user of the machine can read the command line.
PASSWORD_VARIABLE = "STREAMRNN_PASSWORD"

MOST_PORTS = 65_535


class Option(NamedTuple):
    """What may follow the question mark: how to read its value, and what it is without one.

    Parameters
    ----------
    read
        Turns text into the value; raises `ValueError` that says what it has to be.
    default
        The value if the option is not given.
    """

    read: Callable[[str], Any]
    default: Any = None


@dataclass(frozen=True)
class Url:
    """An address in its parts.

    Parameters
    ----------
    name
        For messages: neither user nor password nor options.
    hosts
        Names and ports, at least one.
    path
        What follows the first slash: the topic, or the stream.
    options
        All that the scheme knows, with their defaults.
    user, password
        None if there are none.
    """

    name: str
    hosts: tuple[tuple[str, int], ...]
    path: str
    options: dict[str, Any]
    user: str | None = None
    password: str | None = field(default=None, repr=False)


class Form(NamedTuple):
    """What addresses of a scheme look like.

    Parameters
    ----------
    example
        The whole, for messages, as ``redis://HOST:PORT/STREAM``.
    options
        Those that the scheme knows.
    port
        The usual one; None if it must be given.
    path
        What the path is, such as ``topic``; None if there is none.
    users
        Whether there may be a user and a password.
    """

    example: str
    options: Mapping[str, Option]
    port: int | None = None
    path: str | None = None
    users: bool = False

    @property
    def scheme(self) -> str:
        """What stands before the first colon."""
        return self.example.partition(":")[0]


def parsed(rest: str, form: Form) -> Url:
    """Take an address apart; `rest` is what follows the scheme and its colon.

    Raises
    ------
    click.UsageError
        If it is not of the form. No message repeats what might be part of a password.

    Examples
    --------
    >>> form = Form("redis://HOST/STREAM", {"db": Option(whole(0), 0)}, 6379, "stream", users=True)
    >>> url = parsed("//me:secret@here/load?db=2", form)
    >>> url.name, url.hosts, url.options, url.user
    ('redis://here:6379/load', (('here', 6379),), {'db': 2}, 'me')
    """
    if not rest.startswith("//"):
        raise _wrong(form, "has no host")
    where, _, query = rest[2:].partition("?")
    authority, _, path = where.partition("/")
    if "@" in path or "@" in query:
        # It would else be unknown what of this is a password.
        raise _wrong(form, "an @ behind the host; write %40, and %2F for / in a password")
    login, at, servers = authority.rpartition("@")
    if at and not form.users:
        raise _wrong(form, "there can be no user")
    hosts = tuple(_host(server, form) for server in servers.split(","))
    path = unquote(path)
    if bool(path) != bool(form.path):
        raise _wrong(form, f"the {form.path} is missing" if form.path else "there is no path")
    shown_path = f"/{path}" if path else ""
    name = f"{form.scheme}://{','.join(f'{_bracketed(host)}:{port}' for host, port in hosts)}"
    user, password = _login(login) if at else (None, None)
    options = _options(query, form)
    return Url(name + shown_path, hosts, path, options, user, password)


def check_hosts(url: Url) -> None:
    """Stop at once if no host of these names exists: waiting for one would be for ever.

    Raises
    ------
    DataError
        If none of them is known.
    """
    import socket

    reason = ""
    for host, port in url.hosts:
        try:
            socket.getaddrinfo(host, port)
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
        else:
            return
    raise DataError(f"the host is not known ({reason})", source=url.name, remedy="Is it mistyped?")


def text(value: str) -> str:
    """Read text that is not empty."""
    if not value:
        raise ValueError("must not be empty")
    return value


def readable_file(value: str) -> str:
    """Read the name of a file that is there."""
    if not os.access(value, os.R_OK) or os.path.isdir(value):
        raise ValueError("must be a file that can be read")
    return value


def flag(value: str) -> bool:
    """Read 0 or 1."""
    return one_of("0", "1")(value) == "1"


def one_of(*choices: str) -> Callable[[str], str]:
    """Read one of some words."""

    def read(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {listed(choices)}")
        return value

    return read


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Read a whole number within limits."""

    def read(value: str) -> int:
        if not value.isdecimal() or int(value) < least or (most is not None and int(value) > most):
            upper = "" if most is None else f" to {most:,}"
            raise ValueError(f"must be a whole number from {least}{upper}")
        return int(value)

    return read


def _wrong(form: Form, what: str) -> click.UsageError:
    return click.UsageError(f"{form.scheme}: {what}. The form is {form.example}")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _host(server: str, form: Form) -> tuple[str, int]:
    """Split a host and its port; an IPv6 address stands in brackets."""
    bracket = server.rfind("]")
    colon = server.rfind(":")
    host, port = (server[:colon], server[colon + 1 :]) if colon > bracket else (server, None)
    host = unquote(host.removeprefix("[").removesuffix("]"))
    if not host:
        raise _wrong(form, "has no host")
    if port is None and form.port is not None:
        return host, form.port
    # Not repeated: with a wrong password before it, this may be part of that.
    if port is None or not port.isdecimal() or not 0 < int(port) <= MOST_PORTS:
        raise _wrong(form, f"needs a port, a number from 1 to {MOST_PORTS}")
    return host, int(port)


def _login(login: str) -> tuple[str | None, str | None]:
    user, colon, password = login.partition(":")
    known = unquote(password) if colon else os.environ.get(PASSWORD_VARIABLE)
    return unquote(user) or None, known


def _options(query: str, form: Form) -> dict[str, Any]:
    found = {name: option.default for name, option in form.options.items()}
    given: set[str] = set()
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        if name not in form.options:
            near = did_you_mean(name, form.options) or f"There are {listed(form.options)}."
            raise click.UsageError(f"{form.scheme}: there is no option {shown(name)}. {near}")
        if not equals or name in given:
            fault = "occurs twice" if equals else "has no value"
            raise _wrong(form, f"the option {shown(name)} {fault}")
        given.add(name)
        try:
            found[name] = form.options[name].read(unquote(value))
        except ValueError as error:
            message = f"{form.scheme}: the option {shown(name)} {error}, not {shown(value)}."
            raise click.UsageError(message) from None
    return found
