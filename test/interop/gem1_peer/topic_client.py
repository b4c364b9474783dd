"""The client's half of topics: subscriptions and publishes, over one session after another. Section 15."""

from collections import deque
from dataclasses import dataclass

from . import topic_records as topics
from .presence_client import Presence
from .topic_records import Start, decode_topic, encode_topic, message_cost
from .wire import ProtocolError


@dataclass(frozen=True)
class Continuity:
    """The report of a reconnect, or of a gap."""

    resumed: bool
    replayed: int
    lost: object  # None if it cannot be counted


class Publish:
    def __init__(self, number, topic, message, id):
        self.number = number
        self.topic = topic
        self.message = message
        self.id = id
        self.position = None  # "" for a volatile message, also if it was dropped
        self.refused = None  # the reason; 0 if the server has no topics

    def ask(self):
        return encode_topic(topics.PUBLISH, self.number, id=self.id, topic=self.topic, message=self.message)


class Subscription:
    def __init__(self, number, topic, start, window):
        self.number = number
        self.topic = topic
        self.start = start
        self.window = window
        self.granted = None  # the position at which it begins
        self.refused = None  # the reason; 0 if the server has no topics
        self.is_revoked = False
        self.arrived = ""  # the position of the last ENTRY, at first that of the GRANTED
        self.reports = deque()
        self.inbox = deque()
        self.unread = 0
        self._reset()

    def ask(self):
        """In a new session everything after the last ENTRY is asked for."""
        if self.granted is not None:
            self.start = Start(topics.AFTER_POSITION, self.arrived)
        self._reset()
        return encode_topic(topics.SUBSCRIBE, self.number, window=self.limit, topic=self.topic, start=self.start)

    def on_granted(self, record):
        if "position" not in record.fields:
            raise ProtocolError("a GRANTED without the fields of a subscription")
        if self.granted is not None or record["outcome"] != topics.NO_POSITION:
            self._report(record["outcome"], record["replayed"], record["lost"])
        self.granted = record["position"] if self.granted is None else self.granted
        self.arrived = record["position"]

    def on_continuity(self, record):
        self._report(record["outcome"], max(0, record["total"] - self.messages_before), record["lost"])

    def on_resumed(self):
        self.messages_before = self.messages

    def on_entry(self, record):
        cost = message_cost(record["message"])
        if record["position"]:
            self.messages += 1
            self.cost += cost
            self.arrived = record["position"]
        elif self.unread >= self.window:
            return
        self.unread += cost
        self.inbox.append(record["message"])

    def read(self):
        """Returns the next message, or None, and the WINDOW to send, or None."""
        if not self.inbox:
            return None, None
        message = self.inbox.popleft()
        self.unread -= message_cost(message)
        limit = self.cost + max(0, self.window - self.unread)
        if limit - self.limit < self.window / 4:
            return message, None
        self.limit = limit
        return message, encode_topic(topics.WINDOW, self.number, limit=limit)

    def _reset(self):
        """Counts begin with each grant."""
        self.cost = self.messages = self.messages_before = 0
        self.limit = max(0, self.window - self.unread)

    def _report(self, outcome, replayed, lost):
        self.reports.append(Continuity(outcome == topics.SAME_LOG, replayed, lost))


class TopicClient:
    def __init__(self, id):
        self.id = id
        self.session = None
        self.is_supported = False
        self.requests = {}  # by number, those that are not over
        self.feeds = {}
        self._last_number = 0
        self._last_id = 0

    # The application's side

    def subscribe(self, topic, start=Start(), window=262_144):
        return self._request(Subscription(self._next_number(), topic, start, window))

    def unsubscribe(self, subscription):
        self.stop(subscription)
        subscription.inbox.clear()

    def stop(self, request):
        if self.requests.pop(request.number, None) is not None and self.session is not None:
            self.session.send_topic(encode_topic(topics.STOP, request.number))

    def read(self, subscription):
        message, window = subscription.read()
        if window is not None and self.requests.get(subscription.number) is subscription:
            self.session.send_topic(window)
        return message

    def publish(self, topic, message):
        self._last_id += 1
        return self._request(Publish(self._next_number(), topic, message, f"{self.id}-{self._last_id}"))

    def publish_volatile(self, topic, message):
        publish = Publish(self._next_number(), topic, message, "")
        if self.session is not None and not self.is_supported:
            publish.refused = 0
        elif self.session is not None and self.session.send_transient(publish.ask()):
            self.requests[publish.number] = publish
        else:
            publish.position = ""
        return publish

    def join(self, topic, data):
        """With data in JSON as a member, with None as an observer."""
        return self._request(Presence(self._next_number(), topic, data))

    def update(self, presence, data):
        presence.data = data
        self.session.send_topic(encode_topic(topics.UPDATE, presence.number, data=data))

    # The session's side

    def on_session(self, session, is_supported):
        """A new session: the server knows nothing."""
        self.session, self.is_supported, self.feeds = session, is_supported, {}
        for request in list(self.requests.values()):
            self._ask(request)

    def on_resumed(self):
        for request in self.requests.values():
            if isinstance(request, Subscription):
                request.on_resumed()

    def on_detached(self):
        """Volatile messages are not sent again."""
        for request in list(self.requests.values()):
            if isinstance(request, Publish) and request.id == "":
                request.position = ""
                del self.requests[request.number]

    def on_record(self, body):
        record = decode_topic(body)
        if record.subtype in (topics.ENTRY, topics.MEMBERS):
            request = self.feeds.get(record.number)
            if request is not None and self.requests.get(request.number) is request:
                request.on_entry(record) if record.subtype == topics.ENTRY else request.on_members(record)
            return
        request = self.requests.get(record.number)
        if request is not None:
            self._on_answer(request, record)

    def _on_answer(self, request, record):
        if record.subtype == topics.GRANTED:
            self.feeds[record["feed"]] = request
            if isinstance(request, Subscription):
                request.on_granted(record)
        elif record.subtype == topics.CONTINUITY:
            request.on_continuity(record)
        elif record.subtype == topics.PUBLISHED:
            request.position = record["position"]
            del self.requests[request.number]
        elif record.subtype == topics.REFUSED:
            request.refused = record["reason"] if 1 <= record["reason"] <= 7 else topics.NOT_PERMITTED
            del self.requests[request.number]
        elif record.subtype == topics.REVOKED:
            request.is_revoked = True
            if isinstance(request, Subscription):
                request.inbox.clear()
            del self.requests[request.number]

    def _next_number(self):
        self._last_number += 1
        return self._last_number

    def _request(self, request):
        self.requests[request.number] = request
        if self.session is not None:
            self._ask(request)
        return request

    def _ask(self, request):
        if self.is_supported:
            self.session.send_topic(request.ask())
        else:
            request.refused = 0
            del self.requests[request.number]
