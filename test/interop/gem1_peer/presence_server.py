"""The server's half of presence. Every change is a new snapshot: the protocol allows it, and this peer is simple. Section 15."""

from dataclasses import dataclass

from . import topic_records as topics
from .topic_records import Member, encode_topic


@dataclass
class Participant:
    """A member, or an observer, whose data is None."""

    host: object
    number: int
    feed: int
    topic: str
    data: object


class Presences:
    def __init__(self, key_of):
        self.key_of = key_of
        self.participants = []

    def join(self, participant):
        granted = encode_topic(topics.GRANTED, participant.number, feed=participant.feed)
        participant.host.session.send_topic(granted)
        self.participants.append(participant)
        self.announce(participant.topic)

    def find(self, host, number):
        return next((one for one in self.participants if one.host is host and one.number == number), None)

    def leave(self, participant):
        self.participants.remove(participant)
        self.announce(participant.topic)

    def changed(self, host):
        """The session of a host was lost or resumed, or is over."""
        own = [one for one in self.participants if one.host is host]
        if host.session.over:
            self.participants = [one for one in self.participants if one.host is not host]
        for topic in {one.topic for one in own}:
            self.announce(topic)

    def announce(self, topic):
        present = [one for one in self.participants if one.topic == topic]
        members = self._members([one for one in present if one.data is not None])
        for one in present:
            if one.host.session.socket is not None:
                record = encode_topic(topics.MEMBERS, one.feed, part=topics.SNAPSHOT, members=members)
                one.host.session.send_topic(record)

    def _members(self, present):
        of_key = {}
        for one in present:
            of_key.setdefault(self.key_of(one.host.session), []).append(one)
        return [self._member(key, ones) for key, ones in of_key.items()]

    def _member(self, key, ones):
        sessions = {id(one.host.session): one.host.session for one in ones}.values()
        is_away = all(session.socket is None for session in sessions)
        return Member(key, len(sessions), topics.AWAY if is_away else topics.HERE, ones[-1].data)
