"""Clients of a Kafka cluster: what the source and the sink share."""

import logging
from collections.abc import Callable
from typing import Any

from .errors import DataError
from .extras import needed
from .retrying import Outage
from .urls import Option, Url, flag, one_of, readable_file

OPTIONS = {
    "tls": Option(flag, False),
    "ca": Option(readable_file),
    "mechanism": Option(one_of("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), "PLAIN"),
}


def library() -> Any:
    """Import the library."""
    return needed("confluent_kafka", "confluent-kafka", "kafka")


def configuration(url: Url, errors: Callable[[Any], None]) -> dict[str, Any]:
    """Return the settings that every client needs.

    Parameters
    ----------
    url
        The cluster, with `OPTIONS` among its options.
    errors
        Gets what goes wrong with the connections.
    """
    made = {
        "bootstrap.servers": ",".join(f"{host}:{port}" for host, port in url.hosts),
        "client.id": "streamrnn",
        "error_cb": errors,
        # It has a way of its own of writing to standard error.
        "logger": _silent(),
    }
    protocol = "SSL" if url.options["tls"] else "PLAINTEXT"
    if url.options["ca"] is not None:
        made["ssl.ca.location"] = url.options["ca"]
    if url.user is not None:
        protocol = "SASL_SSL" if url.options["tls"] else "SASL_PLAINTEXT"
        made["sasl.mechanism"] = url.options["mechanism"]
        made["sasl.username"] = url.user
        made["sasl.password"] = url.password or ""
    return made | {"security.protocol": protocol}


class Troubles:
    """What the library says of its connections, which it makes again by itself.

    Parameters
    ----------
    name
        The cluster and topic, for messages.
    note
        Takes remarks.

    Attributes
    ----------
    outage : Outage
        Whether brokers can be reached.
    """

    def __init__(self, name: str, note: Callable[[str], None]) -> None:
        self._name = name
        self._errors = library().KafkaError
        self._refusal: Any = None
        self.outage = Outage(name, note)

    def take(self, error: Any) -> None:
        """Take an error; a callback of the library, within its other calls."""
        if self._is_refusal(error):
            self._refusal = error
        elif error.code() == self._errors._ALL_BROKERS_DOWN:
            self.outage.lost(_words(error))

    def check(self, error: Any = None) -> None:
        """Raise what no new attempt can help with: the error, or one that came before.

        Raises
        ------
        DataError
            If the cluster refuses.
        """
        refusal = error if error is not None and self._is_refusal(error) else self._refusal
        if refusal is not None:
            raise DataError(_words(refusal), source=self._name)

    def _is_refusal(self, error: Any) -> bool:
        return error.fatal() or error.code() in (
            self._errors._AUTHENTICATION,
            self._errors.SASL_AUTHENTICATION_FAILED,
            self._errors.TOPIC_AUTHORIZATION_FAILED,
            self._errors.CLUSTER_AUTHORIZATION_FAILED,
        )


def _words(error: Any) -> str:
    return str(error.str()).removeprefix("Broker: ")


def _silent() -> logging.Logger:
    logger = logging.getLogger("streamrnn.kafka")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    return logger
