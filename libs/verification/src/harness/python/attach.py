"""For tests that are run by a command: the module that stands for the answer."""
import json
import os
import sys

from acr_harness.channel import Channel
from acr_harness.judge import Judge
from acr_harness.scope import ask_for_dataclasses


def attach(names):
    """Makes the module with these globals stand for an answer that runs in a sandbox of its own.

    The host has put pipes below /judge, numbered sets of them, and starts an answer for every set asked for.
    """
    taken = None
    for number in range(len(os.listdir("/judge/sets"))):
        try:
            os.mkdir(f"/tmp/.judge-{number}")
            taken = number
            break
        except FileExistsError:
            continue
    if taken is None:
        raise ImportError("the answer was imported by too many processes")
    with open("/judge/start", "w") as start_pipe:
        start_pipe.write(f"{taken}\n")
    folder = f"/judge/sets/{taken}"
    writes = os.open(f"{folder}/q", os.O_WRONLY)
    judge = Judge(Channel(os.open(f"{folder}/p", os.O_RDONLY), writes))
    with open("/judge/words.json") as words_file:
        judge.words = set(json.load(words_file))
    if "dataclasses" in judge.words:
        ask_for_dataclasses(judge)
    loaded = judge.ask({"op": "load"})
    if "ok" not in loaded:
        raise SyntaxError(str(loaded.get("syntax") or loaded.get("unfit")))
    if names["__name__"] == "__main__":
        text = "" if sys.stdin.isatty() else sys.stdin.read()
        code = judge.ask({"op": "script", "argv": sys.argv, "stdin": text})["ok"]
        sys.stdout.flush()
        sys.exit(code if type(code) is int else 1)
    judge.ask({"op": "run"})

    def look_up(name):
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return judge.lookup(name)
        except KeyError:
            raise AttributeError(f"the answer does not define {name}") from None

    names["__getattr__"] = look_up
    names["__all__"] = [str(n) for n in judge.ask({"op": "names"})["ok"]]
    names["__dir__"] = lambda: names["__all__"]
