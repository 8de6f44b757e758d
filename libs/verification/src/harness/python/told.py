"""What the answer's process tells or asks of that of the tests beside their own objects."""
import builtins
import sys


def _stdin(judge):
    return lambda how, size: getattr(sys.stdin, "readline" if how == "readline" else "read")(size)


def _log(judge):
    def log(name, level, text, own_level):
        import logging

        logger = logging.getLogger(str(name)) if name != "root" else logging.getLogger()
        if logger.isEnabledFor(level) and (logger.level or level >= own_level):
            logger.handle(logger.makeRecord(logger.name, level, "answer.py", 0, "%s", (text,), None))

    return log


def _warn(judge):
    def warn(text, category, line):
        import warnings

        known = isinstance(category, type) and issubclass(category, Warning)
        warnings.warn_explicit(text, category if known else UserWarning, "answer.py", line if type(line) is int else 0)

    return warn


# By name: what makes the function that serves it. `input` is looked up late, since tests replace it.
TOLD = {"input": lambda judge: builtins.input, "stdin": _stdin, "log": _log, "warn": _warn}
