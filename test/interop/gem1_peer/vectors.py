"""Plays the vectors of batches and sessions to this peer."""

from dataclasses import replace

from . import wire
from .controls import TOPICS, Hello, Leave, Offer, Resume, Resumed, Unknown, Welcome, decode_control, encode_control
from .roles import NONE_ASKED, Client, Server
from .wire import CONTROL, Record, decode_batch, decode_text, encode_batches, encode_number

CLIENT_OFFER = Offer(1_048_576, 16_777_216, ("chat",))
SERVER_OFFER = Offer(262_144, 65_536, ("chat",))
RESUME_WINDOW_MS = 120_000
ID, SECRET = bytes(range(0xA0, 0xB0)), bytes(range(0xB0, 0xC0))


def to_bytes(source):
    if isinstance(source, list):
        return b"".join(map(to_bytes, source))
    if isinstance(source, dict):
        return bytes.fromhex(source["repeat"]) * source["times"]
    return bytes.fromhex(source)


def to_text(source):
    if isinstance(source, list):
        return "".join(map(to_text, source))
    return source["repeat"] * source["times"] if isinstance(source, dict) else source


def to_message(source):
    return to_bytes(source["hex"]) if "hex" in source else to_text(source)


def expect(actual, expected, what):
    if actual != expected:
        raise AssertionError(f"{what}: {actual!r:.400} instead of {expected!r:.400}")


# Batches: bytes to records and back


def to_control(source):
    features = source.get("features", 0)
    offer = lambda: Offer(source["initialCredit"], source["maxMessageBytes"], tuple(source["protocols"]), features)
    if source["is"] == "hello":
        return Hello(offer())
    if source["is"] == "welcome":
        lost = source["lost"] + 1 if "lost" in source else 0
        numbers = source["initialCredit"], source["maxMessageBytes"], source["resumeWindowMs"], source["outcome"], lost
        return Welcome(bytes.fromhex(source["id"]), bytes.fromhex(source["secret"]), *numbers, source["protocol"], features)
    if source["is"] == "resume":
        numbers = source["attempt"], source["received"], source["messagesSent"]
        return Resume(bytes.fromhex(source["id"]), bytes.fromhex(source["secret"]), *numbers, offer())
    if source["is"] == "resumed":
        return Resumed(source["received"], source["messagesSent"])
    return Leave(source["delayMs"])


def to_record(source):
    kind = source["kind"]
    if "text" in source:
        return Record(kind, to_text(source["text"]).encode())
    if "count" in source:
        return Record(kind, encode_number(source["count"]))
    if "control" in source:
        return encode_control(to_control(source["control"]))
    return Record(kind, to_bytes(source["hex"]))


def play_batch(vector):
    data = to_bytes(vector["bytes"])
    records = list(decode_batch(data))
    for record, source in zip(records, vector["records"], strict=True):
        expect(record.kind, source["kind"], "kind")
        if "control" in source:
            control = decode_control(record.body)
            if source["control"]["is"] == "unknown":
                expect(isinstance(control, Unknown), True, "unknown")
            else:
                expect(control, to_control(source["control"]), "control")
        else:
            expect(record, to_record(source), "record")
            if "text" in source:
                expect(decode_text(record.body), to_text(source["text"]), "text")
    if not vector.get("decodeOnly"):
        expect(b"".join(encode_batches(map(to_record, vector["records"]))), data, "bytes")


# Sessions, played in memory


class Player:
    """One side, which receives the other side's bytes from the vector."""

    def __init__(self, role, topics=None):
        self.role = role
        self.topics = topics
        self.now = 0.0
        clock = lambda: self.now
        self.drawn = 0xA0
        offer = replace(CLIENT_OFFER if role == "client" else SERVER_OFFER, features=0 if topics is None else TOPICS)
        is_client = role == "client"
        self.side = Client(clock, offer, topics) if is_client else Server(clock, offer, RESUME_WINDOW_MS, topics, self.draw)
        self.sockets = []
        self.entry = None

    def draw(self, length):
        self.drawn += 0x10
        return bytes(range(self.drawn - 0x10, self.drawn - 0x10 + length))

    @property
    def session(self):
        return self.side.session if self.role == "client" else self.entry.session

    @property
    def log(self):
        return self.side.log if self.role == "client" else self.entry.log

    def open(self):
        self.sockets.append(self.side.open())

    def theirs(self, data, number=0):
        socket = self.sockets[number - 1]
        self.entry = self.side.on_batch(socket, data) or self.entry
        self.end_turn()

    def end_turn(self):
        if self.role == "client" and self.session is None or self.role == "server" and self.entry is None:
            return
        self.session.end_turn()

    def lose(self):
        self.side.on_close(self.sockets[-1], 1006)

    def sent(self):
        batches = [batch for socket in self.sockets for batch in socket.outgoing]
        for socket in self.sockets:
            socket.outgoing.clear()
        return [record for batch in batches for record in decode_batch(batch)]


def play_dialogue(dialogue):
    play_steps(Player(dialogue["role"]), dialogue, play_step)


def play_steps(player, dialogue, play):
    for index, step in enumerate(dialogue["steps"]):
        try:
            play(player, step)
        except AssertionError as error:
            raise AssertionError(f"step {index + 1}: {error}") from error


def play_step(player, step):
    if "open" in step:
        player.open()
    elif "theirs" in step:
        player.theirs(to_bytes(step["theirs"]), step.get("wire", 0))
    elif "ours" in step:
        expect_records(player.sent(), list(decode_batch(to_bytes(step["ours"]))))
    elif "send" in step:
        for message in map(to_message, step["send"]):
            player.session.send(message)
        player.end_turn()
    elif "reads" in step:
        expect([player.session.read() for _ in step["reads"]], list(map(to_message, step["reads"])), "reads")
        player.end_turn()
    elif "break" in step:
        player.lose()
    elif "closes" in step:
        expect(player.sockets[step.get("wire", 0) - 1].closing[0], step["closes"], "closes")
    elif "close" in step:
        player.session.end(step["close"]["code"], step["close"]["reason"])
        player.end_turn()
    elif "closed" in step:
        expect(player.session.over, (step["closed"]["code"], step["closed"]["reason"]), "closed")
    elif "receipt" in step:
        expect_receipt(player.log.receipts.pop(0), step["receipt"])
    elif "undelivered" in step:
        expect(player.log.undelivered, list(map(to_message, step["undelivered"])), "undelivered")
    else:
        raise AssertionError(f"a step that nobody knows: {step}")


def expect_records(actual, expected):
    """ACK and CREDIT may be sent at another time, PING at any; the CREDIT after a resume is due immediately."""
    free = {wire.PING} if any(is_resume(record) for record in expected) else {wire.PING, wire.ACK, wire.CREDIT}
    keep = lambda records: [record for record in records if record.kind not in free]
    expect(keep(actual), keep(expected), "ours")
    for kind in (wire.ACK, wire.CREDIT):
        values = [[record.body for record in records if record.kind == kind][-1:] for records in (actual, expected)]
        if all(values):
            expect(*values, "the value of an ACK or CREDIT")


def is_resume(record):
    return record.kind == CONTROL and isinstance(decode_control(record.body), Resumed)


def expect_receipt(receipt, expected):
    names = {"resumed": "resumed", "replayed": "replayed", "lost": "lost", "lostFromPeer": "lost_from_peer"}
    for name, value in expected.items():
        expect(getattr(receipt, names[name]), value, name)


def play_malformed(vector, role):
    player = opened(role)
    player.theirs(to_bytes(vector["bytes"]))
    expect_closing(player, vector["code"])


def expect_closing(player, code):
    closing = player.sockets[0].closing
    expect(closing and closing[0], code, "code")


def opened(role, topics=None):
    """A side after its handshake."""
    player = Player(role, topics)
    player.open()
    if role == "client":
        limits = SERVER_OFFER.initial_credit, SERVER_OFFER.max_message_bytes, RESUME_WINDOW_MS
        welcome = Welcome(ID, SECRET, *limits, NONE_ASKED, 0, "chat", TOPICS)
        player.theirs(encode_control(welcome).encode())
    else:
        player.theirs(encode_control(Hello(CLIENT_OFFER)).encode())
    return player
