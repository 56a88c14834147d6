# SPDX-License-Identifier: Apache-2.0
"""Which node to ask next, and how long to wait before asking again."""

from __future__ import annotations

import random
import threading
import urllib.parse
from typing import Callable, List, Optional, Sequence, Tuple, TypeVar, Union

from .errors import AuroraArgumentError, AuroraError, AuroraRefused, AuroraUnavailable

T = TypeVar("T")


def _checked(url: str) -> str:
    try:
        parts = urllib.parse.urlsplit(url)
        is_fine = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_fine = is_fine and parts.port != 0 and not parts.query and not parts.fragment
    except ValueError:
        is_fine = False
    if not is_fine or not url.isprintable():
        raise AuroraArgumentError(
            f"discovery_url: {url!r} is not http://HOST[:PORT][/PREFIX], nor with https"
        )
    return url.rstrip("/")


def urls_of(*given: Union[str, Sequence[str], None]) -> List[str]:
    """The URLs of nodes in texts (separated by commas or spaces) and lists, each once, in their
    order. Raises AuroraArgumentError for what is no URL, and for none at all."""
    found: List[str] = []
    for one in given:
        texts = [one] if isinstance(one, str) else list(one or [])
        for text in texts:
            if not isinstance(text, str):
                raise AuroraArgumentError(f"discovery_url: {text!r} is not a text")
            found += [_checked(url) for url in text.replace(",", " ").split()]
    if not found:
        raise AuroraArgumentError("discovery_url: at least one node's URL is needed")
    return list(dict.fromkeys(found))


class Endpoints:
    """The nodes that may be asked, the last that worked first. For any number of threads."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._urls = list(urls)

    def in_order(self) -> List[str]:
        """All of them, the most promising first."""
        with self._lock:
            return list(self._urls)

    def failed(self, url: str) -> None:
        """From now on this one is tried last."""
        with self._lock:
            self._urls.remove(url)
            self._urls.append(url)

    def ask(self, question: Callable[[str], T]) -> T:
        """question(url) of one node after the other until one answers; each is tried once.

        A node that cannot be used goes to the end of the list, so that it costs its timeout only
        once. Raises what the only endpoint raised, or AuroraUnavailable with all attempts; a
        refusal that every node would repeat is raised at once.
        """
        attempts: List[Tuple[str, AuroraError]] = []
        for url in self.in_order():
            try:
                return question(url)
            except AuroraRefused as error:
                if not error.may_succeed_elsewhere:
                    raise
                attempts.append((url, error))
            except AuroraUnavailable as error:
                attempts.append((url, error))
            self.failed(url)
        if len(attempts) == 1:
            raise attempts[0][1]
        told = "; ".join(str(error) for _, error in attempts)
        raise AuroraUnavailable(f"no endpoint can be used: {told}", attempts) from attempts[-1][1]


class Backoff:
    """Delays between retries: random, so that thousands of clients do not come back together
    after a node's death, and up to twice as long each time, up to a cap. In seconds."""

    def __init__(
        self, base: float, cap: float, rng: Optional[Callable[[float, float], float]] = None
    ) -> None:
        self.base = base
        self.cap = cap
        self._failures = 0
        self._rng = rng or random.uniform

    def worked(self) -> None:
        """The next delay is a short one again."""
        self._failures = 0

    def next_delay(self) -> float:
        """Between nothing and min(cap, base * 2^failures)."""
        longest = min(self.cap, self.base * 2.0 ** min(self._failures, 60))
        self._failures += 1
        return self._rng(0.0, longest)
