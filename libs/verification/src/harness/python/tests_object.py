"""Objects of the tests, as the answer sees them."""


class JudgeObject:
    """A function or an object of the tests, as the answer sees it."""

    def __init__(self, side, key, can_call):
        self.__dict__.update(_side=side, _key=key, _call=can_call)

    def __call__(self, *args, **kwargs):
        side = self._side
        return side.ask({"cb": self._key, "a": [side.encode(a) for a in args], "kw": {k: side.encode(v) for k, v in kwargs.items()}})

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return self._side.ask({"cbget": self._key, "name": name})

    def __setattr__(self, name, value):
        self._side.ask({"cbset": self._key, "name": name, "v": self._side.encode(value)})
