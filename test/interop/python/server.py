"""A server of python3-websockets: echoes, and obeys messages that begin with a slash."""
import asyncio
import sys

import websockets


async def serve(socket, _path=None):
    async for message in socket:
        if message == "/fragments":
            await socket.send(["in ", "three ", "fragments"])
        elif message == "/close":
            await socket.close(4003, "as you wish")
        elif message == "/ping":
            await asyncio.wait_for(await socket.ping(b"from python"), 10)
            await socket.send("ponged")
        elif message == "/crash":
            raise RuntimeError("on request")
        else:
            await socket.send(message)
    return


async def main(port):
    async with websockets.serve(serve, "127.0.0.1", port, max_size=None, subprotocols=["echo"], ping_interval=0.1, ping_timeout=5):
        await asyncio.Future()


asyncio.run(main(int(sys.argv[1])))
