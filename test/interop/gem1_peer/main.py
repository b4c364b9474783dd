"""Runs a role over real sockets, with messages that contain their own order and size.

    python3 -m gem1_peer.main client ws://127.0.0.1:8080 --messages 5000
    python3 -m gem1_peer.main server 0 --messages 5000

Message i is `i:length:` and as many characters as make up the length; odd ones are binary. Both sides send that many;
the client then closes with 1000. Prints the port on a line of its own (server), and at the end a report in JSON.
"""

import argparse
import asyncio
import json
import logging
import random

from .sockets import Offer, run_client, run_server

MAX_UNACKNOWLEDGED = 2_000


def message(index, length):
    head = f"{index}:{length}:"
    text = head + chr(97 + index % 26) * max(0, length - len(head))
    return text.encode() if index % 2 else text


def is_message(received, index):
    text = received.decode() if isinstance(received, bytes) else received
    is_kind = isinstance(received, bytes) == (index % 2 == 1)
    return is_kind and received == message(index, int(text.split(":")[1]))


class Workload:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.received = 0
        self.wrong = None

    async def run(self, holder, bell):
        while holder() is None or holder().session is None:
            await asyncio.sleep(0.01)
        await asyncio.gather(self._send(holder, bell), self._read(holder, bell))
        session = holder().session
        if self.options.role == "client" and not session.over:
            session.end(1000, "done")
            bell.ring()

    def _is_over(self, holder):
        return holder().session.over is not None

    async def _send(self, holder, bell):
        index = 0
        while index < self.options.messages and not self._is_over(holder):
            sender = holder().session.sender
            if len(sender.waiting) + len(sender.kept) < MAX_UNACKNOWLEDGED:
                for _ in range(min(self.random.randint(1, 50), self.options.messages - index)):
                    holder().session.send(message(index, self._length()))
                    index += 1
                bell.ring()
            await asyncio.sleep(self.random.uniform(0, 0.01))

    def _length(self):
        is_large = self.random.random() < 0.02
        return self.random.randint(1, self.options.max_bytes if is_large else 200)

    async def _read(self, holder, bell):
        """Slowly at times, so that credit runs out."""
        while self.received < self.options.messages:
            received = holder().session.read()
            if received is None and self._is_over(holder):
                return
            if received is None:
                await asyncio.sleep(0.002)
                continue
            if self.wrong is None and not is_message(received, self.received):
                self.wrong = f"message {self.received} is {received[:40]!r}"
            self.received += 1
            bell.ring()
            if self.random.random() < 0.002:
                await asyncio.sleep(0.05)


def report(workload, side):
    receipts = side.log.receipts
    return {
        "received": workload.received,
        "wrong": workload.wrong,
        "resumed": sum(receipt.resumed for receipt in receipts),
        "replayed": sum(receipt.replayed for receipt in receipts),
        "lostSessions": sum(not receipt.resumed for receipt in receipts),
        "over": side.session.over,
    }


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["client", "server"])
    parser.add_argument("where", help="an address, or a port")
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--window", type=int, default=65_536)
    parser.add_argument("--max-bytes", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


async def main():
    logging.disable()  # an interrupted opening handshake is expected here
    options = parse()
    workload = Workload(options)
    offer = Offer(options.window, options.max_bytes)
    if options.role == "client":
        side = await run_client(options.where, offer, workload.run)
    else:
        side = await run_server(int(options.where), offer, workload.run, lambda port: print(port, flush=True))
    print(json.dumps(report(workload, side)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
