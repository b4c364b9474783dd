"""Numbers, records and batches: sections 2 and 3 of docs/protocol.md."""

from dataclasses import dataclass

MAX_BATCH_BYTES = 65_536
MAX_BODY_BYTES = 16_384
TOPIC_FIELDS_BYTES = 1_024  # a record of topics may be so much larger than the largest message
MAX_NUMBER = 2**53 - 1
MAX_NUMBER_BYTES = 8

CHUNK, TEXT, BINARY, END, TOPIC = 0, 1, 2, 3, 5
ACK, CREDIT, PING, PONG, VOLATILE_TEXT, VOLATILE_BINARY, TRANSIENT, CONTROL = range(8, 16)

MALFORMED, TAKEN_OVER, TOO_MUCH, NO_SESSION, NO_HANDSHAKE = 4400, 4409, 4413, 4426, 4504


class ProtocolError(Exception):
    """A violation by the other side, with the code that closes the WebSocket."""

    def __init__(self, reason, code=MALFORMED):
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True)
class Record:
    kind: int
    body: bytes = b""

    @property
    def is_numbered(self):
        return self.kind < 8

    @property
    def cost(self):
        if self.kind == END:
            return 0
        return len(self.body) + (0 if self.kind == CHUNK else 32)

    def encode(self):
        return encode_number(len(self.body) * 16 + self.kind) + self.body


def encode_number(value):
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def encode_string(text):
    data = text.encode()
    return encode_number(len(data)) + data


class Reader:
    """Takes fields from the front of a buffer, and raises an error when there are too few bytes."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    @property
    def is_empty(self):
        return self.at == len(self.data)

    def take(self, length):
        end = self.at + length
        if end > len(self.data):
            raise ProtocolError("cut off")
        part = self.data[self.at : end]
        self.at = end
        return part

    def rest(self):
        return self.take(len(self.data) - self.at)

    def number(self):
        value = 0
        for index in range(MAX_NUMBER_BYTES):
            byte = self.take(1)[0]
            value |= (byte & 127) << (7 * index)
            if byte < 128:
                if byte == 0 and index > 0:
                    raise ProtocolError("a varint that is not minimal")
                if value > MAX_NUMBER:
                    raise ProtocolError("a varint over 2^53 - 1")
                return value
        raise ProtocolError("a varint that is too long")

    def string(self, max_bytes):
        length = self.number()
        if length > max_bytes:
            raise ProtocolError("a string that is too long")
        return decode_text(self.take(length))


def decode_text(data):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ProtocolError("text that is not UTF-8") from error


def decode_batch(data):
    """The records of a WebSocket message, one at a time: those before a malformed one have taken effect."""
    if not isinstance(data, bytes):
        raise ProtocolError("a text message")
    if not 0 < len(data) <= MAX_BATCH_BYTES:
        raise ProtocolError("a batch that is empty or too large")
    reader = Reader(data)
    while not reader.is_empty:
        length, kind = divmod(reader.number(), 16)
        if length > MAX_BODY_BYTES:
            raise ProtocolError("a body that is too large")
        yield Record(kind, reader.take(length))


def encode_batches(records):
    """As few batches as the records need."""
    parts, size = [], 0
    for record in records:
        encoded = record.encode()
        if size + len(encoded) > MAX_BATCH_BYTES:
            yield b"".join(parts)
            parts, size = [], 0
        parts.append(encoded)
        size += len(encoded)
    if parts:
        yield b"".join(parts)
