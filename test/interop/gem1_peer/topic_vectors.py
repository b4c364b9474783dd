"""Plays the vectors of topics to this peer."""

import json

from . import topic_records as topics
from . import wire
from .topic_client import Continuity, Publish, Subscription, TopicClient
from .presence_client import Presence
from .topic_records import Member, Start, decode_topic, encode_topic
from .topic_server import TopicServer
from .vectors import Player, expect, expect_closing, opened, play_step, play_steps, to_bytes, to_message, to_text
from .wire import TOPIC, TRANSIENT, Record, decode_batch

HISTORY = 3
NOT_COMPARED = {wire.PING, wire.ACK, wire.CREDIT}


def to_json(data):
    return json.dumps(data, separators=(",", ":"))


def new_topics(role):
    return TopicClient("m") if role == "client" else TopicServer(HISTORY, lambda topic: topic != "secret")


# Records: bytes to fields and back


def to_fields(source):
    """The fields of a record by the names that this peer gives them."""
    fields = {name: value for name, value in source.items() if name not in ("is", "number", "isTransient", "text", "hex")}
    if "topic" in fields:
        fields["topic"] = to_text(fields["topic"])
    if "members" in fields:
        fields["members"] = [Member(**member) for member in fields["members"]]
    if source["is"] == "join":
        fields["data"] = fields.get("data")
    if "start" in fields:
        fields["start"] = Start(fields["start"], fields.pop("position", ""))
    if source["is"] == "refused":
        fields["bound"] = fields.pop("limit", None)
    if "text" in source or "hex" in source:
        fields["message"] = to_text(source["text"]) if "text" in source else to_bytes(source["hex"])
    return fields


def play_topic_record(vector):
    data, source = to_bytes(vector["bytes"]), vector["record"]
    records = list(decode_batch(data))
    body = b"".join(record.body for record in records)
    record = decode_topic(body)
    expect(record.number, source["number"], "number")
    expect(record.fields, {} if source["is"] == "unknown" else to_fields(source), "fields")
    expect(records[-1].kind, TRANSIENT if source.get("isTransient") else TOPIC, "kind")
    if not vector.get("decodeOnly"):
        subtype = getattr(topics, source["is"].upper())
        expect(record.subtype, subtype, "subtype")
        expect(encode_topic(subtype, source["number"], **to_fields(source)), body, "bytes")


# Sessions, played in memory


def play_topic_dialogue(dialogue):
    player = Player(dialogue["role"], new_topics(dialogue["role"]))
    player.requests = []  # those of the application
    play_steps(player, dialogue, play_topic_step)


def play_topic_step(player, step):
    [name] = [name for name in step if name in STEPS] or [None]
    if name is None:
        play_step(player, step)
        return
    STEPS[name](player, step[name])
    if name != "ours":
        end_turn(player)


def end_turn(player):
    if player.session is not None:
        player.end_turn()


def request_of(player, topic, kind=(Subscription, Publish, Presence)):
    """The application's last one for the topic."""
    return next(request for request in reversed(player.requests) if request.topic == topic and isinstance(request, kind))


def subscription_of(player, topic):
    return request_of(player, topic, Subscription)


def subscribe(player, step):
    start = step.get("from", "now")
    known = {"now": Start(), "oldest": Start(topics.OLDEST)}
    window = step.get("window", 262_144)
    player.requests.append(player.topics.subscribe(step["topic"], known.get(start, Start(topics.AFTER_POSITION, start)), window))


def publish(player, step):
    message = to_message(step["message"])
    if player.role == "server":
        player.topics.publish(step["topic"], message, "" if step.get("volatile") else None)
    elif step.get("volatile"):
        player.requests.append(player.topics.publish_volatile(step["topic"], message))
    else:
        player.requests.append(player.topics.publish(step["topic"], message))


def published(player, step):
    """The oldest publish with an answer that is not compared yet."""
    oldest = next(request for request in player.requests if isinstance(request, Publish) and request.position is not None)
    player.requests.remove(oldest)
    expect(oldest.position, step["position"], "published")


def continuity(player, step):
    report = subscription_of(player, step["topic"]).reports.popleft()
    expect(report, Continuity(step["resumed"], step["replayed"], step["lost"]), "continuity")


def reads(player, step):
    subscription = subscription_of(player, step["topic"])
    actual = [player.topics.read(subscription) for _ in step["messages"]]
    expect(actual, [to_message(message) for message in step["messages"]], "reads")


def presence_of(player, topic):
    return request_of(player, topic, Presence)


def members(player, step):
    actual = [
        {"key": member.key, "connections": member.connections, "state": member.state, "data": json.loads(member.data)}
        for member in presence_of(player, step["topic"]).members.values()
    ]
    expect(actual, step["members"], "members")


def ours(player, source):
    data = to_bytes(source)
    compared = lambda records: [record for record in records if record.kind not in NOT_COMPARED]
    expect(compared(player.sent()), compared(decode_batch(data)) if data else [], "ours")


STEPS = {
    "ours": ours,
    "subscribe": subscribe,
    "unsubscribe": lambda player, topic: player.topics.unsubscribe(subscription_of(player, topic)),
    "publish": publish,
    "revoke": lambda player, topic: player.topics.revoke(topic),
    "join": lambda player, step: player.requests.append(player.topics.join(step["topic"], to_json(step["data"]))),
    "update": lambda player, step: player.topics.update(presence_of(player, step["topic"]), to_json(step["data"])),
    "leave": lambda player, topic: player.topics.stop(presence_of(player, topic)),
    "members": members,
    "granted": lambda player, step: expect(subscription_of(player, step["topic"]).granted, step["position"], "granted"),
    "refused": lambda player, step: expect(request_of(player, step["topic"]).refused, step["reason"] or 0, "refused"),
    "revoked": lambda player, topic: expect(subscription_of(player, topic).is_revoked, True, "revoked"),
    "published": published,
    "continuity": continuity,
    "topicReads": reads,
}


def play_malformed_topic(vector):
    player = opened(vector["to"], new_topics(vector["to"]))
    if vector["to"] == "client":
        player.topics.subscribe("news")
        granted = encode_topic(topics.GRANTED, 1, feed=7, position="", outcome=topics.NO_POSITION, replayed=0, lost=0)
        player.theirs(Record(TOPIC, granted).encode())
    expect(player.sockets[0].closing, None, "closing")
    player.theirs(to_bytes(vector["bytes"]))
    expect_closing(player, vector["code"])
