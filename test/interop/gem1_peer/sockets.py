"""Carries the roles over WebSockets of python3-websockets."""

import asyncio
import random
import time

import websockets

from . import wire
from .controls import Offer
from .roles import Client, Server
from .wire import MAX_BATCH_BYTES, PING, Record

# No compression, pings in records only, and room for an oversized batch, so that this peer itself sends 4400.
SOCKET_OPTIONS = {"compression": None, "ping_interval": None, "max_size": 2 * MAX_BATCH_BYTES, "close_timeout": 1}
QUIET_S = 0.5  # then a PING; after the same time again the WebSocket is abandoned
HANDSHAKE_S = 10


class Bell:
    """Wakes the writer when there may be something to write."""

    def __init__(self):
        self._events = set()

    def ring(self):
        for event in self._events:
            event.set()

    def add(self):
        event = asyncio.Event()
        self._events.add(event)
        return event

    def remove(self, event):
        self._events.discard(event)


class Carrier:
    """One WebSocket: reads batches, and writes the session's records at the end of a turn."""

    def __init__(self, websocket, side, socket, bell):
        self.websocket = websocket
        self.side = side
        self.socket = socket
        self.bell = bell
        self.heard_at = time.monotonic()
        self.has_pinged = False
        self.is_gone = False

    async def run(self):
        writer = asyncio.create_task(self._write())
        try:
            async for data in self.websocket:
                self.heard_at, self.has_pinged = time.monotonic(), False
                self.side.on_batch(self.socket, data)
                self.bell.ring()
        except websockets.ConnectionClosed:
            pass
        self.side.on_close(self.socket, self.websocket.close_code or 1006)
        # A flag and not a cancellation: asyncio.wait_for of 3.11 swallows a cancellation that meets its event.
        self.is_gone = True
        self.bell.ring()
        await writer

    async def _write(self):
        event = self.bell.add()
        try:
            while not self.socket.closing and not self.is_gone:
                wait = self._end_turn()
                await self._flush()
                try:
                    await asyncio.wait_for(event.wait(), wait)
                except asyncio.TimeoutError:
                    pass
                event.clear()
            await self._flush()
            if self.socket.closing:
                await self.websocket.close(*self.socket.closing)
        except websockets.ConnectionClosed:
            pass
        finally:
            self.bell.remove(event)

    def _end_turn(self):
        """Returns the maximum time to wait for the next batch."""
        self._check_life()
        session = self.side.session_on(self.socket)
        if session is None:
            return HANDSHAKE_S
        session.end_turn()
        wait = session.seconds_to_ack()
        return QUIET_S / 4 if wait is None else min(wait, QUIET_S / 4)

    def _check_life(self):
        quiet_s = time.monotonic() - self.heard_at
        if quiet_s > 2 * QUIET_S:
            self.side.on_close(self.socket, 1006)
            self.websocket.transport.abort()
        elif quiet_s > QUIET_S and not self.has_pinged and self.side.session_on(self.socket):
            self.has_pinged = True
            self.socket.outgoing.append(Record(PING, b"alive?").encode())

    async def _flush(self):
        while self.socket.outgoing:
            await self.websocket.send(self.socket.outgoing.pop(0))


class ClientSide(Client):
    def session_on(self, socket):
        return self.session if self.session is not None and self.session.socket is socket else None


class ServerSide(Server):
    def session_on(self, socket):
        entry = self._entry_of(socket)
        return entry.session if entry is not None else None


async def run_client(url, offer, workload, topics=None):
    """Runs until the session is over."""
    side = ClientSide(time.monotonic, offer, topics)
    bell = Bell()
    task = asyncio.create_task(workload(lambda: side, bell))
    while side.session is None or not side.session.over:
        try:
            protocols = [websockets.Subprotocol(name) for name in ("gem.1", *offer.protocols)]
            websocket = await websockets.connect(url, subprotocols=protocols, open_timeout=2, **SOCKET_OPTIONS)
        except (OSError, asyncio.TimeoutError, websockets.InvalidHandshake, websockets.InvalidMessage):
            await asyncio.sleep(random.uniform(0, 0.05))
            continue
        if websocket.subprotocol != "gem.1":
            await websocket.close(wire.NO_SESSION)
            raise RuntimeError("the server did not select gem.1")
        await Carrier(websocket, side, side.open(), bell).run()
        bell.ring()
    await task
    return side


async def run_server(port, offer, workload, on_listening, topics=None, resume_window_ms=120_000):
    """Runs until a session is over; those that have expired are not. Returns the first one."""
    side = ServerSide(time.monotonic, offer, resume_window_ms, topics)
    bell = Bell()
    first = lambda: next(iter(side.entries.values()), None)
    over = asyncio.Event()

    async def handle(websocket):
        await Carrier(websocket, side, side.open(), bell).run()
        if any(entry.session.over for entry in side.entries.values()):
            over.set()

    async with websockets.serve(handle, "127.0.0.1", port, subprotocols=["gem.1"], **SOCKET_OPTIONS) as server:
        on_listening(server.sockets[0].getsockname()[1])
        task = asyncio.create_task(workload(first, bell))
        await over.wait()
        await task
    return first()


__all__ = ["Offer", "run_client", "run_server"]
