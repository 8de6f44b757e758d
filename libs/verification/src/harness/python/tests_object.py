"""Objects of the tests, as the answer sees them: calls, attributes and operators go to the judge."""


class JudgeObject:
    """A function or an object of the tests."""

    def __init__(self, side, key, can_call, names):
        self.__dict__.update(_side=side, _key=key, _call=can_call, **names)

    def __call__(self, *args, **kwargs):
        side = self._side
        kw = {k: side.encode(v) for k, v in kwargs.items()}
        return side.ask({"cb": self._key, "a": [side.encode(a) for a in args], "kw": kw})

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self._side.ask({"cbget": self._key, "name": name})

    def __setattr__(self, name, value):
        # functools.wraps marks what it wraps; such marks stay here.
        if name.startswith("__"):
            self.__dict__[name] = value
        else:
            self._side.ask({"cbset": self._key, "name": name, "v": self._side.encode(value)})


def _forward(op):
    def method(self, *args):
        return self._side.ask({"cbop": self._key, "op": op, "a": [self._side.encode(a) for a in args]})

    return method


# What the answer may do to an object of the tests beyond calling it and looking at its attributes.
OPERATIONS = ["len", "getitem", "setitem", "delitem", "contains", "iter", "next", "str", "repr", "hash", "bool", "eq", "ne",
              "lt", "le", "gt", "ge", "add", "sub", "mul", "truediv", "neg", "abs", "int", "float", "enter", "exit"]
for _op in OPERATIONS:
    setattr(JudgeObject, f"__{_op}__", _forward(_op))


def _exit(self, *exc):
    return self._side.ask({"cbop": self._key, "op": "exit", "a": []})


def _iter(self):
    found = self._side.ask({"cbop": self._key, "op": "iter", "a": []})
    return found if isinstance(found, JudgeObject) else iter(found)


JudgeObject.__exit__ = _exit
JudgeObject.__iter__ = _iter
