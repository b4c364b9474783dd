"""One direction in: counting, joining, limits. Sections 5, 7 and 8 of docs/protocol.md."""

from collections import deque

from .wire import BINARY, CHUNK, END, TEXT, TOO_MUCH, TOPIC, TOPIC_FIELDS_BYTES, VOLATILE_TEXT, ProtocolError, decode_text

SENDABLE_CODES = {*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)}


class Receiver:
    """Kept over the WebSockets of one session."""

    def __init__(self, window, max_message_bytes):
        self.window = window
        self.max_message_bytes = max_message_bytes
        self.received = 0
        self.messages_received = 0
        self.cost = 0
        self.announced = window
        self.parts = []
        self.part_bytes = 0
        self.inbox = deque()  # (message, cost)
        self.unread = 0
        self.ended = None  # (code, reason) of END

    @property
    def limit(self):
        return self.cost + max(0, self.window - self.unread)

    def on_numbered(self, record):
        """Returns the body of a record of topics once it is complete, otherwise None."""
        if self.ended is not None:
            raise ProtocolError("a numbered record after END")
        self.cost += record.cost
        if self.cost > self.announced:
            raise ProtocolError("more than its credit", TOO_MUCH)
        topic = self._on_end(record.body) if record.kind == END else self._on_part(record)
        self.received += 1
        return topic

    def on_volatile(self, record):
        if len(record.body) > self.max_message_bytes:
            raise ProtocolError("a message that is too large", TOO_MUCH)
        message = decode_text(record.body) if record.kind == VOLATILE_TEXT else record.body
        if self.unread < self.window:
            self._deliver(message, record.cost)

    def read(self):
        """The next message, or None."""
        if not self.inbox:
            return None
        message, cost = self.inbox.popleft()
        self.unread -= cost
        return message

    def _on_part(self, record):
        if record.kind == CHUNK and not record.body:
            raise ProtocolError("an empty CHUNK")
        self.part_bytes += len(record.body)
        extra = TOPIC_FIELDS_BYTES if record.kind in (CHUNK, TOPIC) else 0
        if self.part_bytes > self.max_message_bytes + extra:
            raise ProtocolError("a message that is too large", TOO_MUCH)
        self.parts.append(record.body)
        if record.kind == CHUNK:
            return None
        data = b"".join(self.parts)
        self.parts, self.part_bytes = [], 0
        if record.kind in (TEXT, BINARY):
            self.messages_received += 1
            self._deliver(decode_text(data) if record.kind == TEXT else data, len(data) + 32)
        return data if record.kind == TOPIC else None

    def _on_end(self, body):
        if self.parts:
            raise ProtocolError("CHUNKs before END")
        if not 2 <= len(body) <= 125:
            raise ProtocolError("an END of a wrong length")
        code = int.from_bytes(body[:2], "big")
        if code not in SENDABLE_CODES:
            raise ProtocolError("an END with a code that may not be sent")
        self.ended = code, decode_text(body[2:])

    def _deliver(self, message, cost):
        self.inbox.append((message, cost))
        self.unread += cost
