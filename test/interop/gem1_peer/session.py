"""Both directions over one WebSocket after another: sections 5 to 12 of docs/protocol.md.

No sockets here: a Socket collects what to send and the code to close with, and whoever owns one carries that out.
"""

from . import wire
from .controls import Leave, Unknown, decode_control
from .receiver import Receiver
from .sender import Sender
from .wire import ProtocolError, Record, encode_batches, encode_number

ACK_DELAY_S = 0.025
ACK_RECORDS = 1_024

ENDING_CODES = {1000, 1002, 1003, 1007, 1008, 1010, *range(4400, 4500)} - {wire.TAKEN_OVER}


class Socket:
    """One WebSocket, as the protocol sees it."""

    def __init__(self):
        self.outgoing = []
        self.closing = None  # (code, reason)

    def close(self, code, reason=""):
        self.closing = self.closing or (code, reason)


class NoTopics:
    """Stands for the topics of a session that has none: their records are ignored."""

    def on_record(self, body):
        pass

    def on_resumed(self):
        pass

    def on_detached(self):
        pass


class Session:
    def __init__(self, clock, initial_credit, their_max_message_bytes, window, max_message_bytes):
        self.clock = clock
        self.sender = Sender(initial_credit, their_max_message_bytes)
        self.receiver = Receiver(window, max_message_bytes)
        self.topics = NoTopics()
        self.socket = None
        self.over = None  # (code, reason)
        self.leave_ms = None
        self.ending = None  # (code, reason) of the END that the application has requested
        self._ping = None
        self._acked_out = 0
        self._acked_at = float("-inf")
        self._owed_since = None
        self._must_credit = False

    # The application's side

    def send(self, message):
        self.sender.send(message)
        self._number()

    def send_volatile(self, message):
        if self.socket is not None:
            self.sender.send_volatile(message)

    def send_topic(self, body):
        self.sender.send_topic(body)
        self._number()

    def send_transient(self, body):
        """Returns whether it is sent."""
        is_sent = self.socket is not None and self.sender.send_transient(body)
        self._number()
        return is_sent

    def read(self):
        return self.receiver.read()

    def end(self, code, reason=""):
        self.ending = code, reason
        self.sender.end(code, reason)
        self._number()

    # The socket's side

    def attach(self, socket):
        self.socket = socket
        self._ping = None

    def detach(self):
        self.socket = None
        self.sender.ready = []
        self.topics.on_detached()

    def resume(self, socket, received, their_messages_sent):
        """Continues with another WebSocket; returns the number of messages that are sent again in each direction."""
        self.sender.on_ack(received)
        self.attach(socket)
        self._must_credit = True
        replayed = self.sender.replay()
        self._number()
        self.topics.on_resumed()
        return replayed + max(0, their_messages_sent - self.receiver.messages_received)

    def on_records(self, records):
        """Processes records from the present WebSocket; a ProtocolError ends it and the session."""
        self._ping = None
        try:
            for record in records:
                self._on_record(record)
        except ProtocolError as error:
            self.finish(error.code, str(error))

    def on_close(self, code):
        """The present WebSocket has closed."""
        self.detach()
        if code in ENDING_CODES:
            self.finish(code, "")

    def finish(self, code, reason):
        if self.over is None:
            self.over = code, reason
        if self.socket is not None:
            self.socket.close(code, reason)
            self.detach()

    def end_turn(self):
        """Sends the records that were collected in this turn of the event loop."""
        if self.socket is None:
            return
        records = self.sender.take_ready()
        if self._ping is not None:
            records.append(Record(wire.PONG, self._ping))
            self._ping = None
        records += self._ack(bool(records))
        records += self._credit(bool(records))
        self.socket.outgoing.extend(encode_batches(records))
        if self.receiver.ended is not None:
            self.finish(*self.receiver.ended)

    def seconds_to_ack(self):
        """The time until the pending acknowledgement is due, or None."""
        if self.socket is None or self._owed_since is None:
            return None
        return max(0.0, self._owed_since + ACK_DELAY_S - self.clock())

    def _number(self):
        if self.socket is not None:
            self.sender.number()

    def _on_record(self, record):
        if record.is_numbered:
            topic = self.receiver.on_numbered(record)
            if topic is not None:
                self.topics.on_record(topic)
            self._owed_since = self.clock() if self._owed_since is None else self._owed_since
        elif record.kind in (wire.VOLATILE_TEXT, wire.VOLATILE_BINARY):
            self.receiver.on_volatile(record)
        elif record.kind == wire.TRANSIENT:
            self.topics.on_record(record.body)
        elif record.kind == wire.ACK:
            self._on_ack(wire.Reader(record.body).number())
        elif record.kind == wire.CREDIT:
            self.sender.on_credit(wire.Reader(record.body).number())
            self._number()
        elif record.kind in (wire.PING, wire.PONG):
            self._on_ping(record)
        elif record.kind == wire.CONTROL:
            self._on_control(decode_control(record.body))

    def _on_ack(self, count):
        self.sender.on_ack(count)
        if self.ending is not None and self.sender.is_done:
            self.finish(*self.ending)

    def _on_ping(self, record):
        if len(record.body) > 8:
            raise ProtocolError("a PING that is too long")
        if record.kind == wire.PING:
            self._ping = record.body

    def _on_control(self, control):
        if isinstance(control, Leave):
            self.leave_ms = control.delay_ms
        elif not isinstance(control, Unknown):
            raise ProtocolError("a second handshake")

    def _ack(self, leaves_anyway):
        owed = self.receiver.received - self._acked_out
        if owed == 0:
            return []
        now = self.clock()
        is_due = now >= min(self._owed_since, self._acked_at) + ACK_DELAY_S or owed >= ACK_RECORDS
        if not (leaves_anyway or is_due or self.receiver.ended):
            return []
        self._acked_out = self.receiver.received
        self._acked_at = now
        self._owed_since = None
        return [Record(wire.ACK, encode_number(self._acked_out))]

    def _credit(self, leaves_anyway):
        growth = self.receiver.limit - self.receiver.announced
        threshold = self.receiver.window // (8 if leaves_anyway else 4)
        if not self._must_credit and growth < threshold:
            return []
        self._must_credit = False
        self.receiver.announced = max(self.receiver.announced, self.receiver.limit)
        return [Record(wire.CREDIT, encode_number(self.receiver.announced))]
