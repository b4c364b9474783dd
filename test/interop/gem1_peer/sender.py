"""One direction out: numbering, credit, chunks and replay. Sections 5 to 8 of docs/protocol.md."""

from collections import deque
from dataclasses import dataclass

from .wire import BINARY, CHUNK, END, MAX_BODY_BYTES, TEXT, TOPIC, TRANSIENT, VOLATILE_BINARY, VOLATILE_TEXT, ProtocolError, Record


@dataclass
class Numbered:
    record: Record
    message: object = None  # the message that the record completes, reported if the session is lost


class Sender:
    """Kept over the WebSockets of one session; `ready` is the output for the present one."""

    def __init__(self, limit, max_message_bytes):
        self.limit = limit
        self.max_message_bytes = max_message_bytes
        self.waiting = deque()  # messages, records of topics and an END that are not numbered yet
        self.offset = 0  # how much of the first of them is numbered, in chunks
        self.kept = deque()  # Numbered, not acknowledged
        self.acknowledged = 0
        self.spent = 0
        self.messages_sent = 0
        self.ready = []

    @property
    def numbered(self):
        return self.acknowledged + len(self.kept)

    @property
    def is_done(self):
        return not self.waiting and not self.kept

    def send(self, message):
        data = message.encode() if isinstance(message, str) else message
        if len(data) > self.max_message_bytes:
            raise ValueError(f"the other side takes at most {self.max_message_bytes} bytes")
        self.waiting.append((TEXT if isinstance(message, str) else BINARY, data, message))

    def send_volatile(self, message):
        data = message.encode() if isinstance(message, str) else message
        if not self.waiting and len(data) <= min(MAX_BODY_BYTES, self.max_message_bytes):
            self.ready.append(Record(VOLATILE_TEXT if isinstance(message, str) else VOLATILE_BINARY, data))

    def send_topic(self, body):
        self.waiting.append((TOPIC, body, None))

    def send_transient(self, body):
        """Returns whether it is sent: at once or not at all."""
        if self.waiting:
            return False
        if len(body) > MAX_BODY_BYTES:
            self.send_topic(body)
        else:
            self.ready.append(Record(TRANSIENT, body))
        return True

    def end(self, code, reason):
        self.waiting.append((END, code.to_bytes(2, "big") + reason.encode(), None))

    def number(self):
        """Numbers the records that the credit covers, only while there is a WebSocket: unnumbered messages have certainly not arrived."""
        while self.waiting:
            kind, data, message = self.waiting[0]
            is_last = len(data) - self.offset <= MAX_BODY_BYTES
            record = Record(kind if is_last else CHUNK, data[self.offset : self.offset + MAX_BODY_BYTES])
            if self.spent + record.cost > self.limit:
                return
            self.spent += record.cost
            self.offset += len(record.body)
            self.kept.append(Numbered(record, message if is_last else None))
            self.ready.append(record)
            if is_last:
                self.waiting.popleft()
                self.offset = 0
                self.messages_sent += kind in (TEXT, BINARY)

    def on_ack(self, count):
        if not self.acknowledged <= count <= self.numbered:
            raise ProtocolError("an ACK that goes back or beyond what was sent")
        while self.acknowledged < count:
            self.kept.popleft()
            self.acknowledged += 1

    def on_credit(self, limit):
        self.limit = max(self.limit, limit)

    def replay(self):
        """Queues all unacknowledged records again; returns the number of their messages."""
        self.ready = [numbered.record for numbered in self.kept]
        return sum(numbered.message is not None for numbered in self.kept)

    def take_ready(self):
        ready, self.ready = self.ready, []
        return ready

    def give_up(self):
        """Returns (messages that may have arrived, messages that cannot have arrived) when the session is lost."""
        undelivered = [numbered.message for numbered in self.kept if numbered.message is not None]
        unsent = [message for kind, _, message in self.waiting if kind in (TEXT, BINARY)]
        return undelivered, unsent
