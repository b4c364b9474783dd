"""Plays test/vectors to this peer: python3 -m gem1_peer.all_vectors FOLDER prints the failures and the number of vectors."""

import json
import sys
from pathlib import Path

from .topic_vectors import play_malformed_topic, play_topic_dialogue, play_topic_record
from .vectors import play_batch, play_dialogue, play_malformed


def plays(folder):
    """All vectors: name, function and arguments."""
    load = lambda name: json.loads((Path(folder) / f"{name}.json").read_text())
    named = lambda name, play: [(vector["name"], play, (vector,)) for vector in load(name)]
    malformed = load("malformed")
    both = [vector for vector in malformed if "to" not in vector]
    return [
        *named("batches", play_batch),
        *named("dialogues", play_dialogue),
        *[(f"{vector['name']} ({role})", play_malformed, (vector, role)) for vector in both for role in ("client", "server")],
        *named("topics", play_topic_record),
        *named("topic-dialogues", play_topic_dialogue),
        *[(vector["name"], play_malformed_topic, (vector,)) for vector in malformed if "to" in vector],
    ]


def main(folder):
    played, failed = plays(folder), {}
    for name, play, arguments in played:
        try:
            play(*arguments)
        except Exception as error:  # every vector is played, even after a failure
            failed[name] = f"{type(error).__name__}: {error}"
    print(json.dumps({"played": len(played), "failed": failed}, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1])
