"""A peer of gem.1 in Python, written from docs/protocol.md alone, to test that the document is enough.

- wire.py      numbers, records and batches
- controls.py  the records of the handshake, and LEAVE
- sender.py    one direction out: numbering, credit, chunks, replay
- receiver.py  one direction in: counting, joining, limits
- session.py   both directions over one WebSocket after another
- roles.py     who speaks first: client and server
- topic_records.py, topic_client.py, topic_server.py: topics, and their two halves
- presence_client.py, presence_server.py: the members of topics
- vectors.py, topic_vectors.py, all_vectors.py: play test/vectors to all of this
- sockets.py   carries the roles over WebSockets
- main.py      runs either role with messages that tell their order
- topic_main.py the same for topics
"""
