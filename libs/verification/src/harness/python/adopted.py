"""The process state of the tests, taken over by the answer's process; what it logs and warns goes back."""
import os
import sys


class Input:
    """stdin of the answer: that of the tests, which may replace it."""

    encoding = "utf-8"

    def __init__(self, side):
        self.side = side

    def read(self, size=-1):
        return self.side.ask({"cb": "stdin", "a": ["read", size], "kw": {}})

    def readline(self, size=-1):
        return self.side.ask({"cb": "stdin", "a": ["readline", size], "kw": {}})

    def readlines(self, hint=-1):
        return list(self)

    def __iter__(self):
        return iter(self.readline, "")

    def isatty(self):
        return False

    def close(self):
        pass


def as_function(value):
    """A function of the tests as a function, which a class can have as its method."""
    return lambda *args, **kwargs: value(*args, **kwargs)


def adopt(side, state):
    """Makes the surroundings of the answer those of the tests."""
    if "env" in state:
        os.environ.clear()
        os.environ.update(state["env"])
    if "cwd" in state:
        os.chdir(state["cwd"])
    if "limit" in state:
        sys.setrecursionlimit(max(state["limit"], 200))
    if "random" in state:
        version, numbers, gauss = state["random"]
        __import__("random").setstate((version, tuple(numbers), gauss))
    for patch in state.get("patches", []):
        put(side, patch)
    if "logging" in state.get("forward", []):
        forward_logs(side)
    if "warnings" in state.get("forward", []):
        forward_warnings(side)


def put(side, patch):
    """Patches something of the language, or puts back what was there."""
    owner, name = side.decode(patch["on"]), patch["name"]
    key = id(owner), name
    if "v" in patch:
        side.originals.setdefault(key, vars(owner).get(name, side))
        value = side.decode(patch["v"])
        setattr(owner, name, as_function(value) if patch["function"] else value)
    elif key in side.originals:
        original = side.originals.pop(key)
        if original is side:
            delattr(owner, name)
        else:
            setattr(owner, name, original)


def forward_logs(side):
    """Whether a record is wanted is for the loggers of the tests to say; handlers of the answer work as ever."""
    import logging

    usual, enabled = logging.Logger.callHandlers, logging.Logger.isEnabledFor

    def call_handlers(self, record):
        if enabled(self, record.levelno):
            if self.handlers or logging.getLogger().handlers:
                usual(self, record)
        told = [self.name, record.levelno, record.getMessage(), self.level]
        side.ask({"cb": "log", "a": told, "kw": {}})

    logging.Logger.callHandlers = call_handlers
    logging.Logger.isEnabledFor = lambda self, level: not self.disabled


def forward_warnings(side):
    import warnings

    def show(message, category, filename, lineno, file=None, line=None):
        side.ask({"cb": "warn", "a": [str(message), side.encode(category), lineno], "kw": {}})

    warnings.simplefilter("always")
    warnings.showwarning = show
