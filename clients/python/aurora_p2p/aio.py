# SPDX-License-Identifier: Apache-2.0
"""The same client for asyncio: each method is a coroutine, cancelled as soon as its task is.

The work is done by the synchronous client in threads of its own; a cancelled call also lets go of
its connection, so that no thread stays behind with it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import functools
import inspect
import logging
import socket
from typing import Any, Awaitable, Callable, Dict, List, Mapping, Optional
from typing import Sequence, Set, Tuple, TypeVar

from .arguments import Texts
from .budget import Scope
from .client import AuroraP2PClient
from .peer import PeerInfo
from .watch import SILENCE_S, PeerEvent, Watch

log = logging.getLogger("aurora.p2p")

T = TypeVar("T")

THREADS_MAX = 8  # calls that go on at the same time; more wait
Link = Tuple[asyncio.StreamReader, asyncio.StreamWriter]
AsyncHandler = Callable[
    [asyncio.StreamReader, asyncio.StreamWriter, Dict[str, Any]], Awaitable[Any]
]


async def _in_thread(
    pool: concurrent.futures.Executor, work: Callable[[], T], end: Callable[[], None]
) -> T:
    """work() in the pool. When the task is cancelled, end() makes it return early."""
    future = asyncio.get_running_loop().run_in_executor(pool, work)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        end()
        # Nobody asks any more; without this its error would be reported as never retrieved.
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        raise


class AsyncAuroraP2PClient:
    """AuroraP2PClient for asyncio: same arguments, same methods, same errors.

    With `auto_register`, `async with` registers; the constructor itself does nothing that waits.
    Use it in one event loop.
    """

    def __init__(
        self,
        discovery_url: Texts = None,
        peer_id: Optional[str] = None,
        port: int = 9000,
        archetypes: Optional[Sequence[str]] = None,
        auto_register: bool = True,
        heartbeat_interval: float = 30,
        **more: Any,
    ) -> None:
        """As AuroraP2PClient."""
        self.sync = AuroraP2PClient(
            discovery_url, peer_id, port, archetypes, False, heartbeat_interval, **more
        )
        self._auto_register = auto_register
        self._pool: Optional[concurrent.futures.ThreadPoolExecutor] = None
        self._watches: Set[AsyncWatch] = set()
        self._scopes: Set[Scope] = set()
        self._tasks: Set[asyncio.Future[Any]] = set()

    @property
    def peer_id(self) -> str:
        """This peer's id."""
        return self.sync.peer_id

    @property
    def port(self) -> int:
        """Where this peer takes connections."""
        return self.sync.port

    async def _run(self, work: Callable[..., T], *arguments: Any, **more: Any) -> T:
        if self._pool is None:
            self._pool = concurrent.futures.ThreadPoolExecutor(THREADS_MAX, "aurora-call")
        scope = Scope()

        def within() -> T:
            with scope.entered():
                return work(*arguments, **more)

        self._scopes.add(scope)
        try:
            return await _in_thread(self._pool, within, scope.cancel)
        finally:
            self._scopes.discard(scope)

    async def register(
        self, archetypes: Optional[List[str]] = None, metadata: Optional[Mapping[str, Any]] = None
    ) -> Dict[str, Any]:
        """See AuroraP2PClient.register()."""
        return await self._run(self.sync.register, archetypes, metadata)

    async def deregister(self) -> None:
        """See AuroraP2PClient.deregister()."""
        await self._run(self.sync.deregister)

    async def discover(self, archetype: Texts = None, **more: Any) -> List[PeerInfo]:
        """See AuroraP2PClient.discover()."""
        return await self._run(self.sync.discover, archetype, **more)

    async def heartbeat(self) -> bool:
        """See AuroraP2PClient.heartbeat()."""
        return await self._run(self.sync.heartbeat)

    async def health_check(self) -> Dict[str, Any]:
        """See AuroraP2PClient.health_check()."""
        return await self._run(self.sync.health_check)

    async def start_heartbeat(self, interval: Optional[float] = None) -> None:
        """See AuroraP2PClient.start_heartbeat()."""
        self.sync.start_heartbeat(interval)

    async def stop_heartbeat(self) -> None:
        """See AuroraP2PClient.stop_heartbeat()."""
        await self._run(self.sync.stop_heartbeat)

    async def connect_to_peer(self, peer: PeerInfo, timeout: float = 10) -> Link:
        """A connection to the peer as asyncio's reader and writer. Raises AuroraLinkError."""
        sock = await self._run(self.sync.connect_to_peer, peer, timeout)
        return await _streams(sock)

    async def start_listener(self, handler: Optional[AsyncHandler] = None) -> None:
        """As AuroraP2PClient.start_listener(), with handler(reader, writer, info), a coroutine
        function; the connection is closed when it returns."""
        if handler is None:
            await self._run(self.sync.start_listener)
        else:
            in_loop = functools.partial(_serve_in, asyncio.get_running_loop(), handler)
            await self._run(self.sync.start_listener, in_loop)

    def on(self, event: str, callback: Callable[..., Any]) -> None:
        """As AuroraP2PClient.on(); the callback, a function or a coroutine function, is called
        in the event loop that is running now."""
        loop = asyncio.get_running_loop()

        def relay(*arguments: Any) -> None:
            loop.call_soon_threadsafe(self._call, callback, arguments)

        self.sync.on(event, relay)

    def _call(self, callback: Callable[..., Any], arguments: Tuple[Any, ...]) -> None:
        try:
            result = callback(*arguments)
            if inspect.isawaitable(result):
                task = asyncio.ensure_future(result)
                self._tasks.add(task)
                task.add_done_callback(self._called)
        except Exception:
            log.exception("a callback raised")

    def _called(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a callback raised", exc_info=task.exception())

    def watch(
        self,
        archetype: Texts = None,
        *,
        metadata: Optional[Mapping[str, Any]] = None,
        include_self: bool = False,
        silence_timeout: float = SILENCE_S,
    ) -> AsyncWatch:
        """For `async for event in client.watch(...)`: see AuroraP2PClient.watch(), whose errors
        come with the first event."""
        make = functools.partial(
            self.sync.watch,
            archetype,
            metadata=metadata,
            include_self=include_self,
            silence_timeout=silence_timeout,
        )
        watch = AsyncWatch(make, self._watches.discard)
        self._watches.add(watch)
        return watch

    async def start_watch(self, archetype: Texts = None, **more: Any) -> Watch:
        """See AuroraP2PClient.start_watch(); close() of what it returns may be called here."""
        return self.sync.start_watch(archetype, **more)

    async def stop(self) -> None:
        """See AuroraP2PClient.stop()."""
        for watch in list(self._watches):
            await watch.close()
        for scope in list(self._scopes):
            scope.cancel()
        pool = self._pool or concurrent.futures.ThreadPoolExecutor(1, "aurora-call")
        self._pool = None
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(pool, self.sync.stop))
        # All that these threads still do was aborted just now.
        pool.shutdown(wait=True)

    async def __aenter__(self) -> AsyncAuroraP2PClient:
        if self._auto_register:
            try:
                await self.register()
            except BaseException:
                await self.stop()
                raise
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.stop()


class AsyncWatch:
    """An asynchronous iterator over PeerEvent, until close(). Each has one thread while it is
    used. A cancelled wait loses nothing: the next one gets the event."""

    def __init__(
        self, make: Callable[[], Watch], closed: Callable[[AsyncWatch], None]
    ) -> None:
        self._make = make
        self._told_closed = closed
        self._scope = Scope()
        self._pool = concurrent.futures.ThreadPoolExecutor(1, "aurora-watch")
        self._watch: Optional[Watch] = None
        self._pending: Optional[asyncio.Future[Optional[PeerEvent]]] = None

    def _next(self) -> Optional[PeerEvent]:
        if self._watch is None:
            with self._scope.entered():
                self._watch = self._make()
        return next(self._watch, None)

    def __aiter__(self) -> AsyncWatch:
        return self

    async def __anext__(self) -> PeerEvent:
        if self._pending is None:
            try:
                loop = asyncio.get_running_loop()
                self._pending = loop.run_in_executor(self._pool, self._next)
            except RuntimeError as closed:  # its pool takes no more work
                raise StopAsyncIteration from closed
        pending = self._pending
        try:
            event = await asyncio.shield(pending)
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._pending = None
            raise
        self._pending = None
        if event is None:
            raise StopAsyncIteration
        return event

    async def close(self) -> None:
        """Ends it: a wait that is going on, in whatever task, stops iterating."""
        self._told_closed(self)
        self._scope.cancel()
        if self._watch is not None:
            self._watch.close()
        pending = self._pending
        if pending is not None:
            await asyncio.wait([pending])
            if not pending.cancelled():
                pending.exception()  # its reader gets it, if there is one
            if self._watch is not None:
                self._watch.close()
        self._pool.shutdown(wait=True)

    async def __aenter__(self) -> AsyncWatch:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.close()


async def _streams(sock: socket.socket) -> Link:
    try:
        sock.setblocking(False)
        return await asyncio.open_connection(sock=sock)
    except BaseException:
        sock.close()
        raise


def _serve_in(
    loop: asyncio.AbstractEventLoop,
    handler: AsyncHandler,
    sock: socket.socket,
    info: Dict[str, Any],
) -> None:
    """In a connection's thread, for as long as the handler is at it in the loop."""
    asyncio.run_coroutine_threadsafe(_serve(sock.dup(), info, handler), loop).result()


async def _serve(sock: socket.socket, info: Dict[str, Any], handler: AsyncHandler) -> None:
    reader, writer = await _streams(sock)
    try:
        await handler(reader, writer, info)
    finally:
        writer.close()
