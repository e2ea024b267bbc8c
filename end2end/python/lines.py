"""How the drivers speak: a line of JSON is a question, a line of JSON the answer. They end when nobody asks any more."""

import json
import sys
import threading

_lock = threading.Lock()


def say(value):
    """Writes one line, whole, from whichever thread."""
    with _lock:
        print(json.dumps(value), flush=True)


def answer(how):
    """Answers every question by `how`. What goes wrong is an answer too: `error` names its kind."""
    for line in sys.stdin:
        try:
            say(how(json.loads(line)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the story is told and judges
            say({"error": type(error).__name__, "says": str(error)})
