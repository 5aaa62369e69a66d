"""The body of a request, in bounded memory and time."""

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import ClientDisconnect, Request

from .limits import Limits
from .request_error import RequestError

#: What is read of a body that is too long, times its limit, so that a client that first sends and
#: then reads does get its answer; and the seconds for it.
DRAINED = 8
DRAIN_SECONDS = 2.0


async def body_of(request: Request, limits: Limits) -> bytes:
    """Return the body; raise a `RequestError` if it is too long, too slow or cut short."""
    length = request.headers.get("content-length", "0")
    chunks = aiter(request.stream())
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in chunks:
                body += chunk
                if len(body) > limits.max_body or int(length) > limits.max_body:
                    break
    except TimeoutError:
        what = f"the body did not come within {limits.body_seconds:g} seconds."
        raise RequestError(408, what, {"Connection": "close"}) from None
    except ClientDisconnect:
        raise RequestError(400, "the body was cut short.") from None
    if len(body) <= limits.max_body >= int(length):
        return bytes(body)
    await _drain(chunks, DRAINED * limits.max_body - len(body))
    what = f"the body has more than {limits.max_body:,} bytes: send it in pieces (--max-body)."
    raise RequestError(413, what, {"Connection": "close"})


async def _drain(chunks: AsyncIterator[bytes], most: int) -> None:
    """Read on and forget, for a while."""
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while most >= 0:
                most -= len(await anext(chunks))
    except (StopAsyncIteration, TimeoutError, ClientDisconnect):
        return
