# SPDX-License-Identifier: Apache-2.0
"""The one error type, AuroraError, and what can be told apart below it.

It is a `requests.RequestException`, so that programs which caught those still do.
"""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

import requests


class AuroraError(requests.RequestException):
    """Everything that this package raises for what happens outside of it, or for what it was
    given. `except AuroraError` is all that a caller needs."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class AuroraArgumentError(AuroraError, ValueError):
    """An argument is wrong; the message begins with its name. Nothing was sent."""


class AuroraStopped(AuroraError):
    """The call was ended by stop(), by close() or by the cancellation of its task."""


class AuroraIdentityError(AuroraError):
    """The key file cannot be used, or PyNaCl is missing."""


class AuroraLinkError(AuroraError):
    """A direct connection to a peer, or the port for such connections, could not be opened."""


class AuroraRefused(AuroraError):
    """A node understood the request and said no.

    `status` is that of HTTP, `reason` the node's own words, `url` the endpoint.
    """

    # Another node may well say yes: not synced yet, leaving, its quota, a home that is away.
    ELSEWHERE = frozenset({408, 429, 500, 502, 503, 504})

    def __init__(self, url: str, status: int, reason: str) -> None:
        super().__init__(f"{url}: {status}: {reason}")
        self.url = url
        self.status = status
        self.reason = reason

    @property
    def may_succeed_elsewhere(self) -> bool:
        """Whether it is worth asking another endpoint."""
        return self.status in self.ELSEWHERE


class AuroraUnavailable(AuroraError):
    """No endpoint gave an answer that can be used.

    `attempts` has what each of them did, in the order in which they were tried.
    """

    def __init__(self, message: str, attempts: Optional[Sequence[Tuple[str, AuroraError]]] = None):
        super().__init__(message)
        self.attempts = list(attempts or [])


class AuroraTimeout(AuroraUnavailable):
    """The whole answer was not there in time, however busily it was being sent."""


class AuroraTLSError(AuroraUnavailable):
    """TLS failed: a certificate that is not trusted, or something that does not speak it."""


class AuroraProtocolError(AuroraUnavailable):
    """The answer is not what an Aurora node says: no JSON, a wrong shape, or beyond all bounds."""
