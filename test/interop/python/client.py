"""A client of python3-websockets that checks an echo server, and prints its results as one line of JSON."""
import asyncio
import json
import ssl
import sys

import websockets


async def main(address, certificate):
    context = ssl.create_default_context(cafile=certificate) if certificate else None
    found = {}

    async with websockets.connect(address, ssl=context, max_size=None, subprotocols=["other", "echo"]) as socket:
        found["subprotocol"] = socket.subprotocol
        echoes = []
        for message in ["hello", "", "k\u00e4se \U0001f48e", b"", bytes(range(256)), "x" * 1_000_000, bytes(1_000_000)]:
            await socket.send(message)
            echoes.append(await socket.recv() == message)
        found["echoes"] = echoes

        await socket.send(["in ", "three ", "fragments"])
        found["fragments"] = await socket.recv()
        await socket.send([b"a" * 50_000, b"b" * 50_000])
        found["binary_fragments"] = await socket.recv() == b"a" * 50_000 + b"b" * 50_000

        pong = await socket.ping(b"are you there?")
        await asyncio.wait_for(pong, 10)
        pongs = [await socket.ping(str(number)) for number in range(50)]
        await asyncio.wait_for(asyncio.gather(*pongs), 10)
        found["pongs"] = 1 + len(pongs)

        for number in range(1000):
            await socket.send(str(number))
        found["in_order"] = [await socket.recv() for _ in range(1000)] == [str(number) for number in range(1000)]
        await socket.close(4001, "enough")
    found["our_close"] = [socket.close_code, socket.close_reason]

    async with websockets.connect(address, ssl=context, subprotocols=["echo"]) as socket:
        await socket.send("close me with 4002")
        try:
            await socket.recv()
        except websockets.ConnectionClosed as closed:
            found["their_close"] = [closed.code, closed.reason]

    # Compressed if the server supports it, which is optional.
    async with websockets.connect(address, ssl=context, compression="deflate") as socket:
        await socket.send("squeeze me")
        found["offering_compression"] = await socket.recv()
    print(json.dumps(found))


asyncio.run(main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None))
