"""What names mean in the tests."""
import builtins
import sys

from acr_harness.codec import is_stdlib
from acr_harness.remote import RemoteMeta, is_remote


def kinds_asked(judge):
    """`isinstance` and `issubclass` of the tests: whether something of the answer is of a class of the standard library,
    such as Enum or Iterator, its own process knows. Never for plain data: that is what it is."""
    import types

    run = (types.FunctionType, types.GeneratorType, types.AsyncGeneratorType, types.CoroutineType)

    def flat(kinds):
        kinds = kinds if isinstance(kinds, tuple) else getattr(kinds, "__args__", (kinds,))
        return [k for kind in kinds for k in (flat(kind) if isinstance(kind, tuple) else [kind])]

    def is_own(kind):
        known = isinstance(kind, type) and type(kind) is not RemoteMeta and kind.__module__ != "__main__"
        return known and (kind in run or kind.__module__ != "builtins" and is_stdlib(kind.__module__))

    def is_instance(value, kinds):
        return isinstance(value, kinds) or is_remote(value) and any(
            judge.special(value, "isinstance", kind) is True for kind in flat(kinds) if is_own(kind)
        )

    def is_subclass(cls, kinds):
        return issubclass(cls, kinds) or type(cls) is RemoteMeta and any(
            judge.special(cls._remote, "issubclass", kind) is True for kind in flat(kinds) if is_own(kind)
        )

    return {"isinstance": is_instance, "issubclass": is_subclass}


class Names(dict):
    """Globals of the tests: their own, then the language's, then those of the answer."""

    def __init__(self, judge):
        super().__init__(__name__="__main__", __builtins__=builtins, **kinds_asked(judge))
        self.judge = judge

    def __missing__(self, name):
        if hasattr(builtins, name) or name in ("__annotations__", "__conditional_annotations__"):
            raise KeyError(name)
        if name in ("exit", "quit"):
            # They come with `site`, which is not loaded.
            return sys.exit
        if name in sys.stdlib_module_names:
            return __import__(name)
        return self.judge.lookup(name)


class TestsModule(type(sys)):
    """What `unittest.main()` and others find when they look at `__main__`: the tests."""

    def __init__(self, names):
        super().__init__("__main__")
        self.__dict__.update(_names=names, _answer=AnswerModule("answer", names.judge))

    def __getattr__(self, name):
        try:
            return self._names[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name, value):
        # A patch of what the answer's functions use, by tests that think of it as pasted above them.
        if dict.__contains__(self._names, name) or name.startswith("__"):
            self._names[name] = value
        else:
            self._answer.__setattr__(name, value)

    def __delattr__(self, name):
        if name in self._names:
            del self._names[name]
        else:
            self._answer.__delattr__(name)

    def __dir__(self):
        return list(self._names)


def ask_for_dataclasses(judge):
    """Functions of `dataclasses` on objects of the answer are for its own process."""
    import dataclasses

    def asking(name, usual):
        def function(of, *args, **kwargs):
            remote = of._remote if type(of) is RemoteMeta else of if is_remote(of) else None
            if remote is None:
                return usual(of, *args, **kwargs)
            return judge.call(remote, (name, *args), kwargs, "dataclass")

        return function

    for name in ("asdict", "astuple", "replace", "is_dataclass", "fields"):
        setattr(dataclasses, name, asking(name, getattr(dataclasses, name)))


def namespace(judge, order):
    names = Names(judge)
    if "dataclass" in (order["tests"] or ""):
        ask_for_dataclasses(judge)
    sys.modules["__main__"] = sys.modules["tests"] = TestsModule(names)
    if order.get("preamble"):
        try:
            exec(compile(order["preamble"], "<prompt>", "exec"), names)
        except BaseException:
            pass
    return names


class AnswerModule(type(sys)):
    """What tests get that import the answer under one of its usual names."""

    def __init__(self, name, judge):
        super().__init__(name)
        self.__dict__["_judge"] = judge

    def __setattr__(self, name, value):
        # mock.patch of what the answer's functions use.
        if name.startswith("__"):
            return super().__setattr__(name, value)
        self._judge.ask({"op": "set", "name": name, "v": self._judge.encode(value)})

    def __delattr__(self, name):
        if self._judge.ask({"op": "delete", "name": name}).get("missing"):
            raise AttributeError(name)

    def __getattr__(self, name):
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        try:
            if name == "__all__":
                return [str(n) for n in self._judge.ask({"op": "names"})["ok"]]
            return self._judge.lookup(name)
        except KeyError:
            raise AttributeError(f"the answer does not define {name}") from None
