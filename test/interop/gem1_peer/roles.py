"""Who speaks first: the client with HELLO or RESUME, the server with WELCOME or RESUMED. Sections 4 and 6."""

import hmac
import secrets
from dataclasses import dataclass, field

from . import wire
from .controls import TOPICS, Hello, Offer, Resume, Resumed, Welcome, decode_control, encode_control
from .session import Session, Socket
from .wire import CONTROL, ProtocolError, decode_batch

NONE_ASKED, NOT_KNOWN, WINDOW_OVER, EVICTED, HAD_ENDED = range(5)


@dataclass(frozen=True)
class Receipt:
    """The outcome of a reconnect."""

    resumed: bool
    replayed: int = 0
    lost: int = 0
    lost_from_peer: object = None


@dataclass
class Log:
    """The events that the application receives."""

    receipts: list = field(default_factory=list)
    undelivered: list = field(default_factory=list)


def first_control(records):
    """The handshake of the other side, which must be the first record of all."""
    record = next(records)
    if record.kind != CONTROL:
        raise ProtocolError("a first record that is no handshake")
    return decode_control(record.body)


class Client:
    """One session after another, over one WebSocket after another."""

    def __init__(self, clock, offer, topics=None):
        self.clock = clock
        self.offer = offer
        self.topics = topics
        self.session = None
        self.log = Log()
        self.socket = None
        self.is_open = False
        self._welcome = None
        self._attempt = 0
        self._early = []  # sent before there was a session

    def open(self):
        """A WebSocket is open, and the server has selected gem.1."""
        self.socket = Socket()
        self.is_open = False
        if self.session is None or self.session.over:
            control = Hello(self.offer)
        else:
            self._attempt += 1
            sent = self.session.sender.messages_sent
            received = self.session.receiver.received
            control = Resume(self._welcome.id, self._welcome.secret, self._attempt, received, sent, self.offer)
        self.socket.outgoing.append(encode_control(control).encode())
        return self.socket

    def on_batch(self, socket, data):
        if socket is not self.socket or socket.closing:
            return
        try:
            records = decode_batch(data)
            if not self.is_open:
                self._on_answer(first_control(records))
                self.is_open = True
        except ProtocolError as error:
            self._fail(error)
            return
        self.session.on_records(records)

    def on_close(self, socket, code):
        if socket is self.socket:
            self.socket = None
            if self.session is not None:
                self.session.on_close(code)

    def send(self, message):
        if self.session is None:
            self._early.append(message)
        else:
            self.session.send(message)

    def _on_answer(self, control):
        if isinstance(control, Welcome):
            self._start(control)
        elif isinstance(control, Resumed) and self._attempt > 0:
            replayed = self.session.resume(self.socket, control.received, control.messages_sent)
            self.log.receipts.append(Receipt(True, replayed))
        else:
            raise ProtocolError("an answer to no question")

    def _start(self, welcome):
        if welcome.protocol and welcome.protocol not in self.offer.protocols:
            raise ProtocolError("a subprotocol that was not offered")
        if self.session is not None and self.session.ending is not None:
            # The session was closing anyway. Messages before END may have arrived or not, so they are reported.
            self.log.undelivered += self.session.sender.give_up()[0]
            self.session.attach(self.socket)
            self.session.finish(*self.session.ending)
            return
        lost, unsent = [], self._early
        if self.session is not None:
            lost, unsent = self.session.sender.give_up()
            from_peer = welcome.lost - 1 if welcome.lost > 0 else None
            self.log.receipts.append(Receipt(False, 0, len(lost) + (from_peer or 0), from_peer))
            self.log.undelivered += lost
        before, offer = self.session, self.offer
        self.session = Session(self.clock, welcome.initial_credit, welcome.max_message_bytes, offer.initial_credit, offer.max_message_bytes)
        self._welcome, self._attempt, self._early = welcome, 0, []
        self.session.attach(self.socket)
        if before is not None:  # complete messages are delivered even if the session is lost
            self.session.receiver.inbox, self.session.receiver.unread = before.receiver.inbox, before.receiver.unread
        for message in unsent:
            self.session.send(message)
        if self.topics is not None:
            self.session.topics = self.topics
            self.topics.on_session(self.session, welcome.features & TOPICS != 0)

    def _fail(self, error):
        if self.session is not None:
            self.session.attach(self.socket)
            self.session.finish(error.code, str(error))
        self.socket.close(error.code, str(error))


@dataclass
class Entry:
    """A session as the server stores it."""

    session: Session
    id: bytes
    secret: bytes
    attempt: int = 0
    detached_at: object = None
    log: Log = field(default_factory=Log)
    gone: int = NONE_ASKED  # the outcome of a resume after the session has ended


class Server:
    def __init__(self, clock, offer, resume_window_ms, topics=None, draw=secrets.token_bytes):
        self.clock = clock
        self.offer = offer
        self.resume_window_ms = resume_window_ms
        self.topics = topics
        self.draw = draw
        self.entries = {}

    def open(self):
        return Socket()

    def on_batch(self, socket, data):
        if socket.closing:
            return None
        entry = self._entry_of(socket)
        try:
            records = decode_batch(data)
            if entry is None:
                entry = self._on_handshake(socket, first_control(records))
        except ProtocolError as error:
            if entry is not None:
                entry.session.finish(error.code, str(error))
            socket.close(error.code, str(error))
            return entry
        if entry is not None:
            entry.session.on_records(records)
        return entry

    def on_close(self, socket, code):
        entry = self._entry_of(socket)
        if entry is not None:
            entry.detached_at = self.clock()
            entry.session.on_close(code)

    def _entry_of(self, socket):
        return next((entry for entry in self.entries.values() if entry.session.socket is socket), None)

    def _on_handshake(self, socket, control):
        if isinstance(control, Hello):
            return self._start(socket, control.offer, NONE_ASKED)
        if not isinstance(control, Resume):
            raise ProtocolError("a first record that is no handshake")
        entry = self.entries.get(control.id)
        is_known = hmac.compare_digest(control.secret, entry.secret if entry is not None else bytes(16))
        if entry is None or not is_known:
            return self._start(socket, control.offer, NOT_KNOWN)
        if self._is_gone(entry):
            return self._start(socket, control.offer, entry.gone)
        if control.attempt <= entry.attempt:
            socket.close(wire.TAKEN_OVER, "the session went on with a newer one")
            return None
        return self._resume(entry, socket, control)

    def _is_gone(self, entry):
        now = self.clock()
        if entry.session.over:
            entry.gone = HAD_ENDED
        elif entry.session.socket is None and now - entry.detached_at > self.resume_window_ms / 1000:
            entry.gone = WINDOW_OVER
        return entry.gone != NONE_ASKED

    def _resume(self, entry, socket, control):
        entry.attempt = control.attempt
        if entry.session.socket is not None:
            entry.session.socket.close(wire.TAKEN_OVER, "the session went on with a newer one")
            entry.session.detach()
        session = entry.session
        try:
            replayed = session.resume(socket, control.received, control.messages_sent)
        except ProtocolError as error:
            session.finish(error.code, str(error))
            raise
        socket.outgoing.append(encode_control(Resumed(session.receiver.received, session.sender.messages_sent)).encode())
        entry.log.receipts.append(Receipt(True, replayed))
        return entry

    def _start(self, socket, theirs, outcome):
        ours = self.offer
        session = Session(self.clock, theirs.initial_credit, theirs.max_message_bytes, ours.initial_credit, ours.max_message_bytes)
        entry = Entry(session, self.draw(16), self.draw(16))
        self.entries[entry.id] = entry
        protocol = next((name for name in theirs.protocols if name in ours.protocols), "")
        limits = ours.initial_credit, ours.max_message_bytes, self.resume_window_ms
        socket.outgoing.append(encode_control(Welcome(entry.id, entry.secret, *limits, outcome, 0, protocol, ours.features)).encode())
        if self.topics is not None:
            session.topics = self.topics.host(session)
        session.attach(socket)
        return entry


__all__ = ["Client", "Offer", "Receipt", "Server"]
