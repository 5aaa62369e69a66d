"""Who may ask: a token, and protection from other web pages in the user's own browser."""

import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import click

from .request_error import RequestError

#: Shorter tokens can be guessed.
SHORTEST = 16

#: What anyone may have, since the package is public; it tells nothing of the model.
OPEN = ("/", "/page.css", "/page.js", "/charts.js", "/healthz", "/login")


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def check_token(token: str | None, host: str) -> None:
    """Refuse to start without a token, or with a weak one, where others could reach the model."""
    make = 'python -c "import secrets; print(secrets.token_urlsafe())" prints a good one'
    if token is None:
        if not is_loopback(host):
            raise click.UsageError(
                f"--host {host} can be reached from other machines: that needs a token, "
                f"--token or STREAMRNN_TOKEN; {make}."
            )
        return
    if len(token) < SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        raise click.UsageError(
            f"the token must have {SHORTEST} characters or more, of ASCII and without spaces; "
            f"{make}."
        )


@dataclass(frozen=True)
class Access:
    """What a request must show.

    Parameters
    ----------
    host
        The address that the server is bound to.
    port
        Its port; names the cookie, since browsers share cookies between ports.
    token
        What clients send as ``Authorization: Bearer``, and people into the page; None: nothing.
    """

    host: str
    port: int
    token: str | None
    _session: str = field(default_factory=secrets.token_urlsafe)

    def check(self, method: str, path: str, headers: Mapping[str, str]) -> None:
        """Let a request through, or raise a `RequestError`."""
        self._check_host(headers.get("host", ""))
        if method not in ("GET", "HEAD"):
            self._check_origin(headers)
        if self.token is not None and path not in OPEN and not self._known(headers):
            what = "no valid token: send it as Authorization: Bearer TOKEN, or log in on the page."
            raise RequestError(401, what, {"WWW-Authenticate": "Bearer"})

    def cookie_for(self, token: object) -> str:
        """Return the header that logs a browser in; refuse a wrong token."""
        if self.token is None:
            raise RequestError(422, "this server needs no token.")
        if not isinstance(token, str) or not _same(token, self.token):
            raise RequestError(401, "that is not the token.")
        return f"{self._cookie}={self._session}; HttpOnly; SameSite=Strict; Path=/"

    @property
    def _cookie(self) -> str:
        return f"streamrnn_{self.port}"

    def _check_host(self, host: str) -> None:
        """Refuse names that are not ours: a page whose name was bound anew to this address.

        Beyond loopback the token keeps such pages out: they do not know it, and their name has no
        cookie.
        """
        if not is_loopback(self.host):
            return
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            name = None
        if name is None or not (is_loopback(name) or name == self.host.lower()):
            raise RequestError(
                400, "the Host header names another machine: use 127.0.0.1 or localhost."
            )

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        """Refuse what a page from elsewhere sends."""
        origin = headers.get("origin")
        host = headers.get("host", "")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            raise RequestError(
                403, "the Origin header names another page: only this server's may post."
            )

    def _known(self, headers: Mapping[str, str]) -> bool:
        assert self.token is not None
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _same(token.strip(), self.token):
            return True
        cookies = (pair.strip() for pair in headers.get("cookie", "").split(";"))
        return any(_same(cookie, f"{self._cookie}={self._session}") for cookie in cookies)


def _same(one: str, other: str) -> bool:
    """Compare in a time that does not tell how much is the same."""
    return hmac.compare_digest(one.encode(), other.encode())
