"""Runs topics over real sockets, in either role, with the messages of main.py.

    python3 -m gem1_peer.topic_main client ws://127.0.0.1:8080 --messages 1000
    python3 -m gem1_peer.topic_main server 0 --messages 1000

The client publishes that many messages to the topic `up`, and the server as many to `down`; each checks those of the other.
Before that the client tries `secret`, which is forbidden, `history`, which begins with ten messages, and `live`. At the end
the client closes with 1000. Prints the port on a line of its own (server), and at the end a report in JSON.
"""

import argparse
import asyncio
import json
import logging
import random

from . import topic_records as topics
from .controls import TOPICS, Offer
from .main import is_message, message
from .sockets import run_client, run_server
from .topic_client import Continuity, TopicClient
from .topic_records import Start
from .topic_server import TopicServer

HISTORY_MESSAGES = 10
MAX_UNANSWERED = 100
WINDOW = 8_192
WAIT_S = 30


def check(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r:.200} instead of {expected!r:.200}")


class Workload:
    def __init__(self, options, topics):
        self.options = options
        self.topics = topics
        self.random = random.Random(options.seed)
        self.received = 0
        self.wrong = None

    def message(self, index):
        return message(index, self.random.randint(1, self.options.max_bytes if self.random.random() < 0.02 else 200))

    def take(self, received):
        if self.wrong is None and not is_message(received, self.received):
            self.wrong = f"message {self.received} is {received[:40]!r}"
        self.received += 1

    async def pause(self, bell):
        bell.ring()
        await asyncio.sleep(self.random.uniform(0, 0.01))

    async def wait_for(self, condition, bell):
        bell.ring()
        for _ in range(int(WAIT_S / 0.005)):
            if condition():
                return
            await asyncio.sleep(0.005)
        raise TimeoutError("nothing happens")


class ClientWorkload(Workload):
    reports = ()

    async def run(self, holder, bell):
        await self._try_forbidden(bell)
        await self._try_history(bell)
        await self._try_volatile(bell)
        await self._try_presence(bell)
        await asyncio.gather(self._publish(bell), self._read(bell))
        holder().session.end(1000, "done")
        bell.ring()

    async def _try_forbidden(self, bell):
        for request in (self.topics.subscribe("secret"), self.topics.publish("secret", "hi")):
            await self.wait_for(lambda: request.refused is not None, bell)
            check(request.refused, topics.NOT_PERMITTED, "refused")

    async def _try_history(self, bell):
        old, more = [f"old {index}" for index in range(HISTORY_MESSAGES)], ["more 0", "more 1", "more 2"]
        history = await self._expect_all("history", Start(topics.OLDEST), old, bell)
        published = [self.topics.publish("history", text) for text in more]
        await self.wait_for(lambda: all(publish.position for publish in published), bell)
        later = await self._expect_all("history", Start(topics.AFTER_POSITION, history.arrived), more, bell)
        check(list(later.reports), [Continuity(True, 3, 0)], "a position")
        check(later.arrived, published[-1].position, "the position of the last message")
        other = await self._expect_all("history", Start(topics.AFTER_POSITION, "nonsense"), old + more, bell)
        check(list(other.reports), [Continuity(False, HISTORY_MESSAGES + 3, None)], "a position of another log")

    async def _try_volatile(self, bell):
        """A volatile message may be dropped, so it is sent until it arrives."""
        live = self.topics.subscribe("live")
        await self.wait_for(lambda: live.granted is not None, bell)
        while (received := self.topics.read(live)) is None:
            publish = self.topics.publish_volatile("live", "now")
            await self.wait_for(lambda: publish.position is not None, bell)
            check(publish.position, "", "the position of a volatile message")
        check((received, live.arrived), ("now", ""), "a volatile message")

    async def _try_presence(self, bell):
        observer, presence = self.topics.join("lobby", None), self.topics.join("lobby", '{"n":1}')
        data = lambda: [json.loads(member.data) for member in observer.members.values()]
        await self.wait_for(lambda: presence.is_known and data() == [{"n": 1}], bell)
        self.topics.update(presence, '{"n":2}')
        await self.wait_for(lambda: data() == [{"n": 2}], bell)
        self.topics.stop(presence)
        await self.wait_for(lambda: data() == [], bell)
        self.topics.stop(observer)

    async def _expect_all(self, topic, start, messages, bell):
        subscription = self.topics.subscribe(topic, start)
        await self.wait_for(lambda: len(subscription.inbox) >= len(messages), bell)
        check(list(subscription.inbox), messages, "messages")
        self.topics.unsubscribe(subscription)
        return subscription

    async def _publish(self, bell):
        unanswered = []
        for index in range(self.options.messages):
            unanswered.append(self.topics.publish("up", self.message(index)))
            if self.random.random() < 0.1:
                await self.pause(bell)
            unanswered = [publish for publish in unanswered if publish.position is None]
            await self.wait_for(lambda: sum(publish.position is None for publish in unanswered) < MAX_UNANSWERED, bell)
        await self.wait_for(lambda: all(publish.position for publish in unanswered), bell)

    async def _read(self, bell):
        """Slowly at times, so that the window fills."""
        subscription = self.topics.subscribe("down", Start(topics.OLDEST), WINDOW)
        self.reports = subscription.reports
        while self.received < self.options.messages:
            received = self.topics.read(subscription)
            if received is not None:
                self.take(received)
            if received is None or self.random.random() < 0.02:
                await self.pause(bell)


class ServerWorkload(Workload):
    reports = ()

    async def run(self, holder, bell):
        for index in range(self.options.messages):
            self.topics.publish("down", self.message(index))
            if self.random.random() < 0.1:
                await self.pause(bell)
        up = self.topics.log_of("up")
        await self.wait_for(lambda: up.last >= self.options.messages, bell)
        for received in up.messages:
            self.take(received)


def report(workload, log):
    return {
        "received": workload.received,
        "wrong": workload.wrong,
        "lost": [continuity.lost for continuity in workload.reports if continuity.lost != 0],
        "reports": len(workload.reports),
        "resumed": sum(receipt.resumed for receipt in log.receipts),
        "lostSessions": sum(not receipt.resumed for receipt in log.receipts),
    }


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("role", choices=["client", "server"])
    parser.add_argument("where", help="an address, or a port")
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--max-bytes", type=int, default=60_000)
    parser.add_argument("--resume-window", type=int, default=120_000)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


async def main():
    logging.disable()  # an interrupted opening handshake is expected here
    options = parse()
    offer = Offer(65_536, options.max_bytes, (), TOPICS)
    if options.role == "client":
        client = TopicClient(f"python-{random.SystemRandom().getrandbits(64):x}")
        workload = ClientWorkload(options, client)
        side = await run_client(options.where, offer, workload.run, client)
    else:
        server = TopicServer(2 * options.messages, lambda topic: topic != "secret")
        for index in range(HISTORY_MESSAGES):
            server.publish("history", f"old {index}")
        workload = ServerWorkload(options, server)
        listening = lambda port: print(port, flush=True)
        side = await run_server(int(options.where), offer, workload.run, listening, server, options.resume_window)
    print(json.dumps(report(workload, side.log)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
