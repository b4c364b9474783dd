"""The server's half of topics: logs in memory, and one host for each session. Section 15."""

from collections import deque

from . import topic_records as topics
from .presence_server import Participant, Presences
from .topic_records import decode_topic, encode_topic, is_topic_name, message_cost


class Log:
    """The messages of a topic. Their positions are their numbers, counted from 1."""

    def __init__(self, history):
        self.messages = deque(maxlen=history)
        self.last = 0
        self.ids = {}  # the position by the id of the publish; never forgotten here

    @property
    def first(self):
        return self.last - len(self.messages) + 1

    def append(self, id, message):
        if id not in self.ids:
            self.messages.append(message)
            self.last += 1
            self.ids[id] = self.last
        return str(self.ids[id])

    def at(self, number):
        return self.messages[number - self.first]

    def is_of_this_log(self, position):
        return position == "" or position.isdecimal() and position == str(int(position)) and 1 <= int(position) <= self.last


class Cursor:
    """One subscription: its place in the log."""

    def __init__(self, number, feed, topic, log, limit):
        self.number = number
        self.feed = feed
        self.topic = topic
        self.log = log
        self.limit = limit
        self.next = log.last + 1
        self.sent = 0  # entries and their cost, since the grant
        self.cost = 0

    @property
    def is_open(self):
        return self.cost < self.limit

    @property
    def following(self):
        return self.log.last - self.next + 1

    def grant(self, start):
        """Finds the place, and returns the answer."""
        outcome, lost = topics.NO_POSITION, 0
        if start.at == topics.OLDEST:
            self.next = self.log.first
        elif start.at == topics.NOW:
            pass
        elif self.log.is_of_this_log(start.position):
            outcome = topics.SAME_LOG
            self.next = int(start.position or 0) + 1
            lost = self.skip_lost()
        else:
            outcome, lost = topics.OTHER_LOG, None
            self.next = self.log.first
        position = str(self.next - 1) if self.next > 1 else ""
        fields = {"position": position, "outcome": outcome, "replayed": self.following, "lost": lost}
        return encode_topic(topics.GRANTED, self.number, feed=self.feed, **fields)

    def skip_lost(self):
        """Continues at the oldest message if the history has left the place; returns the number of lost messages."""
        lost = max(0, self.log.first - self.next)
        self.next += lost
        return lost

    def continuity(self, total, lost):
        return encode_topic(topics.CONTINUITY, self.number, outcome=topics.SAME_LOG, total=total, lost=lost)

    def take(self):
        """The next ENTRY."""
        message = self.log.at(self.next)
        entry = encode_topic(topics.ENTRY, self.feed, position=str(self.next), message=message)
        self.next += 1
        self.sent += 1
        self.cost += message_cost(message)
        return entry


class TopicHost:
    """The topics of one session."""

    def __init__(self, server, session):
        self.server = server
        self.session = session
        self.cursors = {}

    def on_record(self, body):
        record = decode_topic(body)
        if record.subtype == topics.SUBSCRIBE:
            self._subscribe(record)
        elif record.subtype == topics.STOP:
            self._stop(record.number)
        elif record.subtype == topics.WINDOW and record.number in self.cursors:
            cursor = self.cursors[record.number]
            cursor.limit = max(cursor.limit, record["limit"])
            self.pump()
        elif record.subtype == topics.PUBLISH:
            self._publish(record)
        elif record.subtype == topics.JOIN:
            self._join(record)
        elif record.subtype == topics.UPDATE:
            self._update(record)

    def on_resumed(self):
        for cursor in self.cursors.values():
            lost = cursor.skip_lost()
            self.session.send_topic(cursor.continuity(cursor.sent + cursor.following, lost))
        self.pump()
        self.server.presences.changed(self)

    def on_detached(self):
        self.server.presences.changed(self)

    def pump(self):
        """Sends what the windows allow, only while there is a WebSocket: the log keeps the rest."""
        for cursor in self.cursors.values():
            while self.session.socket is not None and cursor.is_open and cursor.following > 0:
                lost = cursor.skip_lost()
                if lost > 0:
                    self.session.send_topic(cursor.continuity(0, lost))
                self.session.send_topic(cursor.take())

    def transient(self, topic, message):
        for cursor in self.cursors.values():
            if cursor.topic == topic and cursor.is_open and cursor.following == 0:
                self.session.send_transient(encode_topic(topics.ENTRY, cursor.feed, position="", message=message))

    def revoke(self, topic):
        for cursor in [cursor for cursor in self.cursors.values() if cursor.topic == topic]:
            del self.cursors[cursor.number]
            self.session.send_topic(encode_topic(topics.REVOKED, cursor.number, reason=topics.NOT_PERMITTED))

    def _subscribe(self, record):
        if self._stop(record.number) or not self.server.permits(record["topic"]):
            self._refuse(record.number)
            return
        log = self.server.log_of(record["topic"])
        cursor = Cursor(record.number, self.server.next_feed(), record["topic"], log, record["window"])
        self.cursors[record.number] = cursor
        self.session.send_topic(cursor.grant(record["start"]))
        self.pump()

    def _publish(self, record):
        if not self.server.permits(record["topic"]):
            self._refuse(record.number)
            return
        position = self.server.publish(record["topic"], record["message"], record["id"])
        self.session.send_topic(encode_topic(topics.PUBLISHED, record.number, position=position))

    def _join(self, record):
        if self._stop(record.number) or not self.server.permits(record["topic"]):
            self._refuse(record.number)
        elif self._is_too_large(record):
            self._refuse(record.number, topics.TOO_LARGE, topics.MAX_DATA_BYTES)
        else:
            participant = Participant(self, record.number, self.server.next_feed(), record["topic"], record["data"])
            self.server.presences.join(participant)

    def _update(self, record):
        participant = self.server.presences.find(self, record.number)
        if participant is None:
            return
        if self._is_too_large(record):
            self._stop(record.number)
            self._refuse(record.number, topics.TOO_LARGE, topics.MAX_DATA_BYTES)
        else:
            participant.data = record["data"]
            self.server.presences.announce(participant.topic)

    def _is_too_large(self, record):
        return record["data"] is not None and len(record["data"].encode()) > topics.MAX_DATA_BYTES

    def _stop(self, number):
        """Ends a request; returns whether there was one."""
        participant = self.server.presences.find(self, number)
        if participant is not None:
            self.server.presences.leave(participant)
        return self.cursors.pop(number, None) is not None or participant is not None

    def _refuse(self, number, reason=topics.NOT_PERMITTED, bound=None):
        self.session.send_topic(encode_topic(topics.REFUSED, number, reason=reason, bound=bound))


class TopicServer:
    def __init__(self, history, permits):
        self.history = history
        self.is_permitted = permits
        self.logs = {}
        self.hosts = []
        self.presences = Presences(lambda session: "anyone")
        self.feeds = 0
        self.own_ids = 0

    def host(self, session):
        """The topics of a new session."""
        self.hosts = [host for host in self.hosts if not host.session.over]
        self.hosts.append(TopicHost(self, session))
        return self.hosts[-1]

    def permits(self, topic):
        return is_topic_name(topic) and self.is_permitted(topic)

    def log_of(self, topic):
        return self.logs.setdefault(topic, Log(self.history))

    def next_feed(self):
        self.feeds += 1
        return self.feeds

    def publish(self, topic, message, id=None):
        """An empty id: the message is volatile. Without one, the server itself publishes."""
        if id is None:
            self.own_ids += 1
            id = f"server {self.own_ids}"
        position = self.log_of(topic).append(id, message) if id else ""
        for host in self.hosts:
            if id:
                host.pump()
            else:
                host.transient(topic, message)
        return position

    def revoke(self, topic):
        for host in self.hosts:
            host.revoke(topic)
