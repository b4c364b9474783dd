"""The records of topics: section 15 of docs/protocol.md."""

import json
import unicodedata
from dataclasses import dataclass, field

from .wire import MAX_BODY_BYTES, ProtocolError, Reader, decode_text, encode_number, encode_string

SUBSCRIBE, STOP, WINDOW, PUBLISH, JOIN, UPDATE = range(1, 7)
GRANTED, REFUSED, ENTRY, CONTINUITY, REVOKED, PUBLISHED, MEMBERS = range(16, 23)

NOW, OLDEST, AFTER_POSITION = range(3)
NO_POSITION, SAME_LOG, OTHER_LOG = range(3)
NOT_PERMITTED, TOO_MANY, TOO_LARGE = range(1, 4)
TEXT_PAYLOAD, BYTES_PAYLOAD = 1, 2
SNAPSHOT, MORE = 1, 2  # parts of MEMBERS
HERE, AWAY = 0, 1

MAX_TOPIC_BYTES = 255
MAX_POSITION_BYTES = 64
MAX_KEY_BYTES = 1_024
MAX_DATA_BYTES = 4_096
MESSAGE_COST = 32

FIELDS = {
    SUBSCRIBE: ("window", "topic", "start"),
    STOP: (),
    WINDOW: ("limit",),
    PUBLISH: ("id", "topic", "message"),
    GRANTED: ("feed", "position", "outcome", "replayed", "lost"),
    REFUSED: ("reason", "bound"),
    ENTRY: ("position", "message"),
    CONTINUITY: ("outcome", "total", "lost"),
    REVOKED: ("reason",),
    PUBLISHED: ("position",),
    JOIN: ("observe", "topic", "data"),
    UPDATE: ("data",),
    MEMBERS: ("part", "members"),
}
PRESENCE_FIELDS = {GRANTED: ("feed",)}


@dataclass(frozen=True)
class TopicRecord:
    subtype: int
    number: int  # of a request or a feed
    fields: dict = field(default_factory=dict)

    def __getitem__(self, name):
        return self.fields[name]


@dataclass(frozen=True)
class Member:
    key: str
    connections: int  # 0: it has left
    state: int
    data: str  # JSON


@dataclass(frozen=True)
class Start:
    """Where a subscription begins."""

    at: int = NOW
    position: str = ""


def decode_topic(body):
    """A subtype that this peer does not know has no fields here."""
    reader = Reader(body)
    subtype, number = reader.number(), reader.number()
    fields = {}
    for name in FIELDS.get(subtype, ()):
        if tuple(fields) == PRESENCE_FIELDS.get(subtype) and reader.is_empty:
            break
        fields[name] = None if name == "data" and fields.get("observe") == 1 else READ.get(name, Reader.number)(reader)
    return TopicRecord(subtype, number, fields)


def encode_topic(subtype, number, **fields):
    """Fields that are missing here are missing in the record: those that a presence does not have."""
    values = [WRITE.get(name, encode_number)(fields[name]) for name in FIELDS[subtype] if name in fields]
    return encode_number(subtype) + encode_number(number) + b"".join(values)


def is_topic_name(name):
    return name != "" and not any(unicodedata.category(character) == "Cc" for character in name)


def message_cost(message):
    return len(message.encode() if isinstance(message, str) else message) + MESSAGE_COST


def _read_start(reader):
    at = reader.number()
    if at > AFTER_POSITION:
        raise ProtocolError("an unknown start")
    return Start(at, reader.string(MAX_POSITION_BYTES) if at == AFTER_POSITION else "")


def _write_start(start):
    return encode_number(start.at) + (encode_string(start.position) if start.at == AFTER_POSITION else b"")


def _read_message(reader):
    kind, data = reader.take(1)[0], reader.rest()
    if kind not in (TEXT_PAYLOAD, BYTES_PAYLOAD):
        raise ProtocolError("a payload of an unknown type")
    return decode_text(data) if kind == TEXT_PAYLOAD else data


def _write_message(message):
    is_text = isinstance(message, str)
    return bytes([TEXT_PAYLOAD if is_text else BYTES_PAYLOAD]) + (message.encode() if is_text else message)


def _read_lost(reader):
    """None if the messages cannot be counted."""
    number = reader.number()
    return number - 1 if number > 0 else None


def _read_json(reader):
    text = reader.string(MAX_BODY_BYTES)
    try:
        json.loads(text)
    except ValueError as error:
        raise ProtocolError("data that is no JSON") from error
    return text


def _read_members(reader):
    return [Member(reader.string(MAX_KEY_BYTES), reader.number(), reader.number(), _read_json(reader)) for _ in range(reader.number())]


def _write_members(members):
    values = [encode_string(one.key) + encode_number(one.connections) + encode_number(one.state) + encode_string(one.data) for one in members]
    return encode_number(len(members)) + b"".join(values)


READ = {
    "topic": lambda reader: reader.string(MAX_TOPIC_BYTES),
    "id": lambda reader: reader.string(MAX_POSITION_BYTES),
    "position": lambda reader: reader.string(MAX_POSITION_BYTES),
    "start": _read_start,
    "message": _read_message,
    "lost": _read_lost,
    "data": _read_json,
    "members": _read_members,
    "bound": lambda reader: None if reader.is_empty else reader.number(),
}
WRITE = {
    "topic": encode_string,
    "id": encode_string,
    "position": encode_string,
    "start": _write_start,
    "message": _write_message,
    "lost": lambda lost: encode_number(0 if lost is None else lost + 1),
    "data": lambda data: b"" if data is None else encode_string(data),
    "members": _write_members,
    "bound": lambda bound: b"" if bound is None else encode_number(bound),
}
