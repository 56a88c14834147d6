# SPDX-License-Identifier: Apache-2.0
"""The Python client for asyncio: the same, as coroutines, and cancelled as soon as asked."""

import asyncio

import pytest

from harness import wait_until
from python_stage import (
    Server,
    black_hole,
    client_threads,
    read_request,
    silent,
    takes,
    unused_port,
)
from aurora_p2p import AsyncAuroraP2PClient, AuroraError, AuroraLinkError, PeerInfo


def run(main):
    """Within a bound, and with no thread left."""
    result = asyncio.run(asyncio.wait_for(main, 20))
    assert client_threads() == []
    return result


def test_every_method_is_there_and_works(cluster):
    node = cluster.add("n0")

    async def main():
        async with AsyncAuroraP2PClient(node.url(""), "p1", 0, ["a"]) as client:
            assert node.peers().keys() == {"p1"}, "registered on entering"
            async with AsyncAuroraP2PClient(node.url(""), "p2", archetypes=["b"]) as other:
                assert await client.heartbeat() is True
                assert await client.health_check() == {"status": "healthy"}
                (peer,) = await client.discover("b")
                assert isinstance(peer, PeerInfo) and peer.peer_id == other.peer_id
                await client.register(metadata={"n": 1})
                await client.start_heartbeat(0.05)
                node.session.delete(node.url("/v1/peers/p1"))
                while "p1" not in [peer.peer_id for peer in await other.discover()]:
                    pass
                await client.stop_heartbeat()
                await other.deregister()
                assert await client.discover() == []

    run(main())
    assert node.peers()["p1"]["metadata"] == {"n": 1}


def test_errors_are_the_same():
    async def main():
        with pytest.raises(AuroraError):
            async with AsyncAuroraP2PClient(f"http://127.0.0.1:{unused_port()}"):
                pass
        client = AsyncAuroraP2PClient("http://127.0.0.1:1", auto_register=False)
        with pytest.raises(AuroraLinkError):
            await client.connect_to_peer(PeerInfo("p", "127.0.0.1", unused_port(), [], ""), 5)
        await client.stop()

    run(main())


def test_a_cancelled_call_returns_at_once_and_lets_go_of_its_thread():
    gone = []

    def wait_for_the_end(sock, _server):
        while sock.recv(4096):
            pass
        gone.append(sock)

    with Server(wait_for_the_end) as stalled:

        async def main():
            client = AsyncAuroraP2PClient(stalled.url, auto_register=False, timeout=60)
            calls = [asyncio.ensure_future(client.discover()) for _ in range(3)]
            while stalled.connections < 3:
                await asyncio.sleep(0)
            with takes(0, 1):
                for call in calls:
                    call.cancel()
                done = await asyncio.gather(*calls, return_exceptions=True)
                assert all(isinstance(one, asyncio.CancelledError) for one in done)
                while len(gone) < 3:
                    await asyncio.sleep(0.001)
            with takes(0, 1), pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.health_check(), 0.1)
            with takes(0, 1):
                await client.stop()

        run(main())


def test_stop_ends_what_other_tasks_wait_for():
    with Server(silent) as stalled:

        async def main():
            client = AsyncAuroraP2PClient(stalled.url, auto_register=False, timeout=60)
            call = asyncio.ensure_future(client.discover())
            while stalled.connections < 1:
                await asyncio.sleep(0)
            with takes(0, 1):
                await client.stop()
            with pytest.raises(AuroraError):
                await call

        run(main())


def test_stop_ends_a_connection_that_is_being_made():
    async def main(port):
        client = AsyncAuroraP2PClient("http://127.0.0.1:1", auto_register=False)
        peer = PeerInfo("p", "127.0.0.1", port, [], "")
        call = asyncio.ensure_future(client.connect_to_peer(peer, 60))
        while client_threads() == []:
            await asyncio.sleep(0.001)
        await asyncio.wait([call], timeout=0.1)
        with takes(0, 1):
            await client.stop()
        with pytest.raises(AuroraError):
            await call

    with black_hole() as port:
        run(main(port))


def test_the_loop_runs_on_while_a_node_is_silent():
    with Server(silent) as stalled:

        async def main():
            client = AsyncAuroraP2PClient(stalled.url, auto_register=False, timeout=0.5)
            call, turns = asyncio.ensure_future(client.discover()), 0
            while not call.done():
                turns += 1
                await asyncio.sleep(0.001)
            assert turns > 20
            with pytest.raises(AuroraError):
                await call
            await client.stop()

        run(main())


def test_watching_through_the_death_of_a_node(cluster):
    nodes = cluster.start(2)

    async def main():
        client = AsyncAuroraP2PClient([node.url("") for node in nodes], auto_register=False)
        told = []
        async with client, client.watch("a") as watch:
            async for event in watch:
                told.append((event.kind, event.peer_id))
                if event.kind == "synced" and len(told) == 1:
                    nodes[1].register("p1", ["a"])
                elif told[-1] == ("up", "p1"):
                    nodes[0].kill()
                    nodes[1].register("p2", ["a"])
                elif told[-1] == ("up", "p2"):
                    break
        assert [one for one in told if one[0] == "up"] == [("up", "p1"), ("up", "p2")]
        with pytest.raises(StopAsyncIteration):
            await watch.__anext__()

    run(main())


def test_a_cancelled_wait_loses_no_event():
    text = 'event: up\ndata: {"peer":{"peer_id":"p","address":"a","port":1,"last_seen":""}}\n\n'
    go = []

    def late(sock, server):
        read_request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while not go and not server.closing.wait(0.01):
            pass
        sock.sendall(text.encode())
        server.closing.wait()

    with Server(late) as server:

        async def main():
            client = AsyncAuroraP2PClient(server.url, auto_register=False)
            watch = client.watch()
            for _ in range(3):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(watch.__anext__(), 0.1)
            go.append(True)
            event = await watch.__anext__()
            assert (event.kind, event.peer_id) == ("up", "p")
            waiting = asyncio.ensure_future(watch.__anext__())
            await asyncio.sleep(0)
            with takes(0, 1):
                await client.stop()
            with pytest.raises(StopAsyncIteration):
                await waiting

        run(main())


def test_connections_are_streams_and_callbacks_run_in_the_loop():
    async def main():
        told = []
        listening = AsyncAuroraP2PClient("http://127.0.0.1:1", "callee", 0, auto_register=False)
        calling = AsyncAuroraP2PClient("http://127.0.0.1:1", "caller", 0, auto_register=False)

        async def note(peer, *_):
            await asyncio.sleep(0)
            told.append(peer.peer_id)

        entered = asyncio.Queue()

        async def handler(reader, writer, info):
            entered.put_nowait(info)
            writer.write(info["peer_id"].encode() + b" said " + await reader.readexactly(5))
            await writer.drain()

        calling.on("on_peer_connected", note)
        calling.on("on_peer_connected", lambda *_: 1 / 0)
        listening.on("peer_disconnected", note)
        await listening.start_listener(handler)
        peer = PeerInfo("callee", "127.0.0.1", listening.port, [], "")
        reader, writer = await calling.connect_to_peer(peer)
        writer.write(b"hello")
        assert await reader.read() == b"caller said hello"
        writer.close()
        while told != ["callee", "caller"]:
            await asyncio.sleep(0.001)

        assert (await entered.get())["peer_id"] == "caller"
        reader, _ = await calling.connect_to_peer(peer)
        await entered.get()
        with takes(0, 2):
            await listening.stop()
        assert await reader.read() == b""
        await calling.stop()

    run(main())


def test_watch_callbacks_come_to_the_loop(cluster):
    node = cluster.add("n0")

    async def main():
        up = asyncio.get_running_loop().create_future()
        async with AsyncAuroraP2PClient(node.url(""), auto_register=False) as client:
            client.on("peer_up", up.set_result)
            watch = await client.start_watch("a")
            node.register("p1", ["a"])
            assert (await up).peer_id == "p1"
            watch.close()

    run(main())
    wait_until(lambda: client_threads() == [], 5, "no thread")
