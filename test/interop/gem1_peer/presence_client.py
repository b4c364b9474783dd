"""The client's half of presence: the members of a topic. Section 15."""

from . import topic_records as topics
from .topic_records import encode_topic


class Presence:
    def __init__(self, number, topic, data):
        self.number = number
        self.topic = topic
        self.data = data  # JSON; None for an observer
        self.refused = None  # the reason; 0 if the server has no topics
        self.is_revoked = False
        self.members = {}  # by key
        self.is_known = False  # whether a snapshot is complete
        self._unnamed = set()  # members that the snapshot has not named so far

    def ask(self):
        return encode_topic(topics.JOIN, self.number, observe=int(self.data is None), topic=self.topic, data=self.data)

    def on_members(self, record):
        if record["part"] & topics.SNAPSHOT:
            self._unnamed = set(self.members)
        for member in record["members"]:
            self._unnamed.discard(member.key)
            if member.connections == 0:
                self.members.pop(member.key, None)
            else:
                self.members[member.key] = member
        if record["part"] & topics.MORE:
            return
        for key in self._unnamed:
            del self.members[key]
        self._unnamed = set()
        self.is_known = True
