"""The records of kind CONTROL: section 4 of docs/protocol.md."""

from dataclasses import dataclass

from .wire import CONTROL, ProtocolError, Reader, Record, encode_number, encode_string

MAX_SUBPROTOCOLS = 32
MAX_SUBPROTOCOL_BYTES = 255
MIN_MESSAGE_BYTES = 16_384
TOPICS = 1  # the feature of section 15


@dataclass(frozen=True)
class Offer:
    initial_credit: int
    max_message_bytes: int
    protocols: tuple = ()
    features: int = 0


@dataclass(frozen=True)
class Hello:
    offer: Offer


@dataclass(frozen=True)
class Welcome:
    id: bytes
    secret: bytes
    initial_credit: int
    max_message_bytes: int
    resume_window_ms: int
    outcome: int
    lost: int  # as in the record: 0 for unknown, otherwise one more than the number of messages
    protocol: str
    features: int = 0


@dataclass(frozen=True)
class Resume:
    id: bytes
    secret: bytes
    attempt: int
    received: int
    messages_sent: int
    offer: Offer


@dataclass(frozen=True)
class Resumed:
    received: int
    messages_sent: int


@dataclass(frozen=True)
class Leave:
    delay_ms: int


@dataclass(frozen=True)
class Unknown:
    type: int


def decode_control(body):
    reader = Reader(body)
    kind = reader.number()
    if kind == 1:
        return Hello(_read_offer(reader))
    if kind == 2:
        secrets = reader.take(16), reader.take(16)
        terms = _read_terms(reader)
        numbers = [reader.number() for _ in range(3)]
        return Welcome(*secrets, *terms, *numbers, reader.string(MAX_SUBPROTOCOL_BYTES), _read_features(reader))
    if kind == 3:
        secrets = reader.take(16), reader.take(16)
        numbers = [reader.number() for _ in range(3)]
        return Resume(*secrets, *numbers, _read_offer(reader))
    if kind == 4:
        return Resumed(reader.number(), reader.number())
    if kind == 5:
        return Leave(reader.number())
    return Unknown(kind)


def encode_control(control):
    if isinstance(control, Hello):
        body = b"\x01" + _write_offer(control.offer)
    elif isinstance(control, Welcome):
        numbers = (control.initial_credit, control.max_message_bytes, control.resume_window_ms, control.outcome, control.lost)
        body = b"\x02" + control.id + control.secret + _write_numbers(*numbers) + encode_string(control.protocol)
        body += _write_features(control.features)
    elif isinstance(control, Resume):
        numbers = _write_numbers(control.attempt, control.received, control.messages_sent)
        body = b"\x03" + control.id + control.secret + numbers + _write_offer(control.offer)
    elif isinstance(control, Resumed):
        body = b"\x04" + _write_numbers(control.received, control.messages_sent)
    else:
        body = b"\x05" + encode_number(control.delay_ms)
    return Record(CONTROL, body)


def _read_terms(reader):
    credit, size = reader.number(), reader.number()
    if size < MIN_MESSAGE_BYTES:
        raise ProtocolError("a largest message under 16,384 bytes")
    return credit, size


def _read_offer(reader):
    credit, size = _read_terms(reader)
    count = reader.number()
    if count > MAX_SUBPROTOCOLS:
        raise ProtocolError("too many subprotocols")
    protocols = tuple(reader.string(MAX_SUBPROTOCOL_BYTES) for _ in range(count))
    return Offer(credit, size, protocols, _read_features(reader))


def _write_offer(offer):
    numbers = _write_numbers(offer.initial_credit, offer.max_message_bytes, len(offer.protocols))
    return numbers + b"".join(map(encode_string, offer.protocols)) + _write_features(offer.features)


def _read_features(reader):
    """An older peer does not have the field."""
    return 0 if reader.is_empty else reader.number()


def _write_features(features):
    return encode_number(features) if features else b""


def _write_numbers(*numbers):
    return b"".join(map(encode_number, numbers))
