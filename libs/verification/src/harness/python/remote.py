"""Objects and classes of the answer, as the tests see them."""
import sys

from acr_harness.codec import is_stdlib
from acr_harness.operations import BINARY


# What functions and objects tell of themselves in attributes; the rest are operators, which Remote guards.
READABLE = ("__name__", "__qualname__", "__dict__", "__wrapped__", "__annotations__", "__defaults__", "__kwdefaults__")


def _generator():
    yield


# Kinds of objects that tests may ask for by their type, and that mean no more than that they can be run.
KINDS = {"generator": type(_generator())}


class Remote:
    """An object of the answer. Operators work only where the tests named a class of the answer themselves:
    otherwise a result could answer `== 5` with True and `- 5` with 0.0 whatever it is."""

    def __init__(self, judge, m):
        self.__dict__.update(_judge=judge, _h=m["h"], _of=m.get("of"), _name=m.get("name", "object"), _kind=m.get("kind"))

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__") and name not in READABLE:
            self._judge.looked_into(sys._getframe(1))
            raise AttributeError(name)
        return self._judge.special(self, "getattr", name)

    def __setattr__(self, name, value):
        self._judge.special(self, "setattr", name, value)

    def __delattr__(self, name):
        self._judge.special(self, "delattr", name)

    def __call__(self, *args, **kwargs):
        return self._judge.call(self, args, kwargs)

    def __repr__(self):
        return self._judge.special(self, "repr")

    def __str__(self):
        return self._judge.special(self, "str")

    def __iter__(self):
        it = self._judge.special(self, "iter")
        return it if isinstance(it, Remote) else iter(it)

    def __next__(self):
        return self._judge.special(self, "next")

    def __eq__(self, other):
        if not is_remote(other):
            return self._judge.special(self, "eq", other) if self._judge.trusts(self) else False
        if self._h == other._h:
            return True
        return self._judge.special(self, "eq", other) if self._judge.trusts(self) else False

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return self._judge.special(self, "hash") if self._judge.trusts(self) else hash(self._h)

    def __copy__(self):
        return self._judge.special(self, "copy")

    def __deepcopy__(self, memo):
        return self._judge.special(self, "deepcopy")

    def __reduce__(self):
        return rebuild, (self._judge.special(self, "pickle"),)

    @property
    def __class__(self):
        self.__dict__["_judge"].looked_into(sys._getframe(1))
        if self.__dict__["_kind"] in KINDS:
            return KINDS[self.__dict__["_kind"]]
        named = self.__dict__["_judge"].classes.get(self.__dict__["_of"])
        return named if named is not None else Remote


class RemoteAwaitable(Remote):
    """One that can be awaited; what can is not a plain function to mock.patch."""

    def __await__(self):
        yield from ()
        return self._judge.special(self, "await")


# The judge whose check is running, for what is unpickled.
CURRENT = []


def rebuild(data):
    judge = CURRENT[-1]
    return judge.decode(judge.ask({"op": "unpickle", "data": judge.encode(data)})["ok"])


def is_remote(value):
    return issubclass(type(value), Remote)


Remote.__doc__ = property(lambda self: self._judge.special(self, "getattr", "__doc__"))


def _forward(op, checked=True):
    def method(self, *args):
        if checked and not self._judge.trusts(self):
            raise TypeError(f"the tests use {op} on an object whose class they do not know ({self._name})")
        return self._judge.special(self, op, *args)

    return method


for _op in BINARY:
    _name = _op.rstrip("_")
    setattr(Remote, f"__{_name}__", _forward(_op))
    # `2 * v`, and `v += w`, which falls back to `v + w` over there.
    setattr(Remote, f"__r{_name}__", _forward(f"r{_name}"))
    setattr(Remote, f"__i{_name}__", _forward(f"i{_name}"))
for _op in ["lt", "le", "gt", "ge", "neg", "pos", "invert", "abs", "int", "float", "round", "format"]:
    setattr(Remote, f"__{_op}__", _forward(_op))
for _op in ["len", "getitem", "setitem", "delitem", "contains", "reversed"]:
    setattr(Remote, f"__{_op}__", _forward(_op, False))
Remote.__bool__ = lambda self: self._judge.special(self, "truth") if self._judge.trusts(self) else True


def _enter(self):
    entered = self._judge.special(self, "enter")
    self.__dict__["_entered"] = self._judge.asked
    return entered


def _exit(self, cls, error, tb):
    """Hands the error that ended a `with` to the answer. What it swallows stays so only where the error is the tests'
    own, made without the answer: else an answer could swallow what shows that it is wrong."""
    judge = self._judge
    if error is None:
        return judge.special(self, "exit")
    alone = judge.asked == self.__dict__.get("_entered")
    args, remote = ([], error._acr_remote) if "_acr_remote" in error.__dict__ else (error.args, None)
    swallowed = judge.special(self, "exit", near(cls), list(args), remote)
    if not swallowed or remote is not None or not isinstance(error, Exception) or isinstance(error, AssertionError):
        return False
    if not alone:
        judge.blind.add("with ")
    return alone


def near(cls):
    """The class of an error, or the next one above it that the answer's process has, too."""
    return next(c for c in cls.__mro__ if "_remote" in c.__dict__ or is_stdlib(c.__module__) and c.__module__ != "__main__")


Remote.__enter__, Remote.__exit__ = _enter, _exit


class RemoteMeta(type):
    """A class of the answer, as a class of the judge, so that isinstance, except and derived classes work."""

    def __new__(meta, name, bases, space):
        cls = super().__new__(meta, name, bases, space)
        if bases and "_remote" not in space:
            bases[0]._judge.derive(cls, bases[0], space)
        return cls

    def __init__(cls, name, bases, space):
        super().__init__(name, bases, space)

    def __call__(cls, *args, **kwargs):
        return cls._judge.call(cls._remote, args, kwargs)

    def __getattr__(cls, name):
        if name.startswith("__") or name in ("_remote", "_judge"):
            if name != "_judge" and "_judge" in cls.__dict__:
                cls._judge.looked_into(sys._getframe(1))
            raise AttributeError(name)
        return cls._judge.special(cls._remote, "getattr", name)

    def __setattr__(cls, name, value):
        if name.startswith("__") or "_remote" not in cls.__dict__:
            return type.__setattr__(cls, name, value)
        cls._judge.special(cls._remote, "setattr", name, value)

    def __delattr__(cls, name):
        cls._judge.special(cls._remote, "delattr", name)

    def __iter__(cls):
        # Such as the members of an Enum.
        return iter(cls._judge.special(cls._remote, "members"))

    def __len__(cls):
        return cls._judge.special(cls._remote, "len")

    def __bool__(cls):
        return True

    def __getitem__(cls, key):
        return cls._judge.special(cls._remote, "getitem", key)

    def __contains__(cls, value):
        return cls._judge.special(cls._remote, "contains", value)

    def __instancecheck__(cls, value):
        if not is_remote(value):
            return type.__instancecheck__(cls, value)
        return bool(cls._judge.special(value, "isinstance", cls._remote))

    def __subclasscheck__(cls, other):
        if type(other) is not RemoteMeta:
            return type.__subclasscheck__(cls, other)
        return bool(cls._judge.special(other._remote, "issubclass", cls._remote))
