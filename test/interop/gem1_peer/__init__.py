"""A peer of gem.1 in Python, written from docs/protocol.md alone, to test that the document is enough.

- wire.py      numbers, records and batches
- controls.py  the records of the handshake, and LEAVE
- sender.py    one direction out: numbering, credit, chunks, replay
- receiver.py  one direction in: counting, joining, limits
- session.py   both directions over one WebSocket after another
- roles.py     who speaks first: client and server
- vectors.py   plays test/vectors to all of this
- sockets.py   carries the roles over WebSockets
- main.py      runs either role with messages that tell their order
"""
