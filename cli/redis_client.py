"""A connection to a Redis server that comes back; what the source and the sink share."""

from collections.abc import Callable
from typing import Any, TypeVar

from .errors import DataError
from .extras import needed
from .retrying import CONNECT_TIMEOUT, Link, Lost, said
from .sockets import check_trust
from .urls import Option, Url, flag, readable_file, whole

Result = TypeVar("Result")

#: Seconds until a server that does not answer counts as lost.
ANSWER_TIMEOUT = 10.0

OPTIONS = {
    "db": Option(whole(0), 0),
    "tls": Option(flag, False),
    "ca": Option(readable_file),
}


class RedisLink(Link[Any]):
    """A link to a server, made with the options of an address.

    Parameters
    ----------
    url
        The server, with `OPTIONS` among its options.
    note
        Takes remarks.
    """

    def __init__(self, url: Url, note: Callable[[str], None]) -> None:
        self._library = needed("redis", "redis", "redis")
        self._url = url
        super().__init__(url.name, self._connected, lambda client: client.close(), note)

    def call(self, action: Callable[[Any], Result]) -> Result:
        """Let an action have the client of the connection.

        Raises
        ------
        Lost
            If another connection may help.
        DataError
            If the server refuses.
        """
        return self._translated(action, self.made)

    def _translated(self, action: Callable[[Any], Result], client: Any) -> Result:
        errors = self._library.exceptions
        refusals = (errors.AuthenticationError, errors.AuthorizationError)
        # A server that has just been made a replica is about to get another address.
        passing = (errors.ConnectionError, errors.TimeoutError, errors.ReadOnlyError, OSError)
        try:
            return action(client)
        except refusals as error:
            remedy = "Is user:password@ before the host right?"
            raise DataError(said(error), source=self._url.name, remedy=remedy) from None
        except passing as error:
            check_trust(error, self._url.name)
            raise Lost(said(error)) from None
        except errors.RedisError as error:
            raise DataError(said(error), source=self._url.name) from None

    def _connected(self) -> Any:
        url, options = self._url, self._url.options
        host, port = url.hosts[0]
        client = self._library.Redis(
            host=host,
            port=port,
            db=options["db"],
            username=url.user,
            password=url.password,
            ssl=options["tls"],
            ssl_ca_certs=options["ca"],
            socket_connect_timeout=CONNECT_TIMEOUT,
            socket_timeout=ANSWER_TIMEOUT,
            # Trying again is the business of the link, which says so.
            retry=self._library.retry.Retry(self._library.backoff.NoBackoff(), 0),
            protocol=2,
        )
        try:
            self._translated(lambda made: made.ping(), client)
        except BaseException:
            client.close()
            raise
        return client
