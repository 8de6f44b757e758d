"""Runs tests against an answer without letting the answer near the tests.

Two processes. The judge (this one) holds tests and token; it forks the candidate before reading either, so
the candidate never has them in memory. The candidate executes the answer and serves calls over a socket;
values cross as plain data, so a result cannot carry its own idea of equality. Only the judge can reach stdout,
and only a report that begins with the run's token counts.
"""
import builtins
import json
import os
import select
import socket
import sys
import time

MAX_MESSAGE = 64 * 1024 * 1024
MAX_DEPTH = 150
DATA = (list, tuple, dict, set, frozenset, str, int, float, bytes)


class AnswerDied(BaseException):
    """The candidate process ended, broke the protocol, or did not answer in time."""


class Channel:
    """Length-prefixed JSON over a pair of descriptors (two ends of pipes, or one socket)."""

    def __init__(self, reads, writes):
        self.reads = reads
        self.writes = writes
        self.deadline = None

    def send(self, message):
        data = json.dumps(message).encode()
        view = memoryview(len(data).to_bytes(8, "big") + data)
        try:
            while view:
                view = view[os.write(self.writes, view) :]
        except OSError:
            raise AnswerDied("the answer's process ended")

    def _read(self, size):
        parts = []
        while size:
            if self.deadline is not None:
                left = self.deadline - time.monotonic()
                if left <= 0 or not select.select([self.reads], [], [], left)[0]:
                    raise AnswerDied("timed out")
            try:
                part = os.read(self.reads, min(size, 1 << 20))
            except OSError:
                part = b""
            if not part:
                raise AnswerDied("the answer's process ended")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def receive(self):
        size = int.from_bytes(self._read(8), "big")
        if size > MAX_MESSAGE:
            raise AnswerDied("the answer's result is too large")
        try:
            return json.loads(self._read(size))
        except (ValueError, RecursionError):
            raise AnswerDied("the answer's process broke the protocol")


def is_stdlib(name):
    return name.partition(".")[0] in sys.stdlib_module_names


class Codec:
    """Values as JSON. Subclasses say what becomes of objects that are not plain data."""

    def encode(self, v, depth=0, seen=()):
        t = type(v)
        if v is None or t is bool or t is str:
            return v
        if t is float:
            return {"f": repr(v)}
        if t is int:
            return v if -(1 << 53) < v < (1 << 53) else {"i": hex(v)}
        if t is bytes or t is bytearray:
            return {"b" if t is bytes else "ba": bytes(v).hex()}
        if depth > MAX_DEPTH or id(v) in seen:
            return self.encode_object(v, None)
        tags = {list: "l", tuple: "u", set: "s", frozenset: "z"}
        inner = lambda x: self.encode(x, depth + 1, (*seen, id(v)))
        if t in tags:
            return {tags[t]: [inner(x) for x in v]}
        if t is dict:
            return {"d": [[inner(k), inner(x)] for k, x in v.items()]}
        if t is complex:
            return {"c": [repr(v.real), repr(v.imag)]}
        if t is range:
            return {"r": [v.start, v.stop, v.step]}
        if t is slice:
            return {"sl": [inner(v.start), inner(v.stop), inner(v.step)]}
        name = f"{t.__module__}.{t.__qualname__}"
        if name in ("collections.OrderedDict", "collections.Counter", "collections.defaultdict"):
            return {"x": name, "a": {"d": [[inner(k), inner(x)] for k, x in dict.items(v)]}}
        if name == "collections.deque":
            return {"x": name, "a": {"l": [inner(x) for x in v]}}
        if name in ("decimal.Decimal", "fractions.Fraction"):
            return {"x": name, "a": str(v)}
        if name in ("datetime.datetime", "datetime.date", "datetime.time"):
            return {"x": name, "a": v.isoformat()}
        if name == "datetime.timedelta":
            return {"x": name, "a": {"l": [v.days, v.seconds, v.microseconds]}}
        if t.__module__ == "numpy" and hasattr(v, "dtype") and v.dtype.kind in "biufcUS?":
            return {"np": v.dtype.str, "shape": list(v.shape), "v": v.tobytes().hex()}
        if isinstance(v, type) and is_stdlib(v.__module__) and v.__module__ != "__main__":
            return {"k": [v.__module__, v.__qualname__]}
        if t is type(sys) and is_stdlib(v.__name__):
            return {"m": v.__name__}
        for base in DATA:
            if isinstance(v, base):
                return self.encode_object(v, self.encode(self.plain(v, base), depth + 1, (*seen, id(v))))
        return self.encode_object(v, None)

    @staticmethod
    def plain(v, base):
        if base is dict:
            return dict(dict.items(v))
        if base in (list, tuple, set, frozenset):
            return base(base.__iter__(v))
        return {str: str.__str__, int: int.__int__, float: float.__float__}.get(base, bytes)(v) if base is not bytes else bytes.__getitem__(v, slice(None))

    def decode(self, m):
        if not isinstance(m, dict):
            if m is None or isinstance(m, (bool, int, str)):
                return m
            raise AnswerDied("the answer's process broke the protocol")
        d = self.decode
        if "f" in m:
            return float(m["f"])
        if "i" in m:
            return int(m["i"], 16)
        if "b" in m:
            return bytes.fromhex(m["b"])
        if "ba" in m:
            return bytearray.fromhex(m["ba"])
        if "l" in m:
            return [d(x) for x in m["l"]]
        if "u" in m:
            return tuple([d(x) for x in m["u"]])
        if "s" in m:
            return {d(x) for x in m["s"]}
        if "z" in m:
            return frozenset([d(x) for x in m["z"]])
        if "d" in m:
            return {d(k): d(x) for k, x in m["d"]}
        if "c" in m:
            return complex(float(m["c"][0]), float(m["c"][1]))
        if "r" in m:
            return range(*m["r"])
        if "sl" in m:
            return slice(*[d(x) for x in m["sl"]])
        if "x" in m:
            return self.decode_known(m["x"], d(m["a"]))
        if "np" in m:
            import numpy

            array = numpy.frombuffer(bytes.fromhex(m["v"]), dtype=numpy.dtype(m["np"])).reshape(m["shape"]).copy()
            return array[()] if not m["shape"] else array
        if "k" in m:
            return self.decode_class(*m["k"])
        if "m" in m and is_stdlib(m["m"]):
            return __import__("importlib").import_module(m["m"])
        return self.decode_object(m)

    @staticmethod
    def decode_class(module, qualname):
        if not is_stdlib(module):
            raise AnswerDied("the answer's process broke the protocol")
        value = __import__("importlib").import_module(module)
        for part in qualname.split("."):
            value = getattr(value, part)
        if not isinstance(value, type):
            raise AnswerDied("the answer's process broke the protocol")
        return value

    @staticmethod
    def decode_known(name, a):
        module, _, cls = name.partition(".")
        kind = getattr(__import__(module), cls)
        if name == "collections.defaultdict":
            return kind(None, a)
        if name == "datetime.timedelta":
            return kind(*a)
        if module == "datetime":
            return kind.fromisoformat(a)
        return kind(a)


# ---------------------------------------------------------------- the candidate's side


def defined_names(body):
    """Names bound at the top level of a module, also below `if`, `try` and `with`."""
    names = set()
    for node in body:
        kind = type(node).__name__
        if kind in ("FunctionDef", "AsyncFunctionDef", "ClassDef"):
            names.add(node.name)
        elif kind in ("Import", "ImportFrom"):
            names.update((a.asname or a.name).partition(".")[0] for a in node.names)
        elif kind in ("Assign", "AnnAssign"):
            targets = node.targets if kind == "Assign" else [node.target]
            names.update(t.id for t in targets if type(t).__name__ == "Name")
        elif kind in ("If", "Try", "With"):
            for field in ("body", "orelse", "finalbody"):
                names |= defined_names(getattr(node, field, []))
    return names


class Candidate(Codec):
    """Executes the answer and serves the judge. Everything here may be taken over by the answer."""

    def __init__(self, channel):
        self.channel = channel
        self.objects = {}
        self.globals = {"__name__": "answer", "__builtins__": builtins}
        self.out = []

    def encode_object(self, v, snapshot):
        key = id(v)
        self.objects[key] = v
        m = {"h": key, "call": callable(v), "name": getattr(v, "__name__", type(v).__name__)}
        m["name"] = m["name"] if type(m["name"]) is str else "object"
        if isinstance(v, type):
            m["class"] = [c.__name__ for c in v.__mro__ if c.__module__ == "builtins"]
        else:
            m["of"] = id(type(v))
            self.objects[id(type(v))] = type(v)
        if snapshot is not None:
            m["snap"] = snapshot
        if type(v).__name__ == "coroutine":
            m["coro"] = True
        return m

    def decode_object(self, m):
        if "h" in m:
            return self.objects[m["h"]]
        return JudgeObject(self, m["o"], m["call"])

    def ask(self, message):
        """Asks the judge while the judge waits for us."""
        self.channel.send({"out": self.take_output(), **message})
        reply = self.channel.receive()
        if "err" in reply:
            raise getattr(builtins, reply["err"][0], Exception)(*reply["err"][1:])
        return self.decode(reply["ok"])

    def take_output(self):
        text, self.out = "".join(self.out), []
        return text[:65536]

    def load(self, programs, entry):
        """The first program that parses and defines what is asked for."""
        error, parsed = None, None
        for index, program in enumerate(programs):
            try:
                tree = compile(program, "<answer>", "exec", 0x400)  # ast.PyCF_ONLY_AST without importing ast
            except (SyntaxError, ValueError, MemoryError, RecursionError) as e:
                error = error or f"{type(e).__name__}: {e}"
                continue
            if not entry or entry in defined_names(tree.body):
                return {"ok": index}, program
            parsed = parsed or f"{entry} is not defined"
        if parsed:
            return {"unfit": parsed}, None
        return {"syntax": error or "nothing to run"}, None

    def run(self, program):
        sys.modules["answer"] = module = type(sys)("answer")
        module.__dict__.update(self.globals)
        self.globals = module.__dict__
        exec(compile(program, "<answer>", "exec"), self.globals)

    def run_script(self, program, m):
        """The answer as a program of its own: with arguments and stdin, to its end. Returns the exit code."""
        import io

        sys.argv = [str(a) for a in m["argv"]]
        sys.stdin = io.StringIO(m["stdin"])
        main = sys.modules["__main__"]
        main.__dict__.update({"__name__": "__main__", "__builtins__": builtins})
        builtins.input = INPUT
        try:
            exec(compile(program, "<answer>", "exec"), main.__dict__)
        except SystemExit as e:
            if e.code is None or isinstance(e.code, int):
                return e.code or 0
            self.out.append(f"{e.code}\n")
            return 1
        return 0

    def serve(self):
        program = None
        while True:
            m = self.channel.receive()
            reply = None
            try:
                if m["op"] == "load":
                    order = self.order or m
                    reply, program = self.load(order["programs"], order["entry"])
                elif m["op"] == "run":
                    self.run(program)
                    reply = {"ok": None}
                elif m["op"] == "script":
                    reply = {"ok": self.run_script(program, m)}
                elif m["op"] == "names":
                    reply = {"ok": sorted(n for n in self.globals if type(n) is str and n[:1] != "_")}
                else:
                    reply = self.perform(m)
            except BaseException as e:
                reply = self.error(e)
            reply["out"] = self.take_output()
            self.channel.send(reply)

    def error(self, e):
        cls = type(e)
        chain = [c.__name__ for c in cls.__mro__ if c.__module__ == "builtins" and c.__name__ in dir(builtins)]
        try:
            args = [a if isinstance(a, (str, int, float, bool, type(None))) else repr(a) for a in e.args]
            text = str(e)
        except BaseException:
            args, text = [], ""
        self.objects[id(cls)] = cls
        return {"err": {"chain": chain, "cls": id(cls), "own": cls.__module__ != "builtins", "name": str(cls.__name__), "module": str(cls.__module__), "args": self.encode(args), "text": text[:2000]}}

    def perform(self, m):
        if m["op"] == "get":
            if m["name"] not in self.globals:
                return {"missing": True}
            return {"ok": self.encode(self.globals[m["name"]])}
        target = self.objects[m["h"]]
        raw = m.get("a", [])
        args = [self.decode(a) for a in raw]
        kwargs = {k: self.decode(a) for k, a in m.get("kw", {}).items()}
        value = SPECIAL[m["op"]](target, *args, **kwargs)
        reply = {"ok": self.encode(value)}
        changed = [[i, n] for i, a in enumerate(args) if isinstance(raw[i], dict) for n in [self.encode(a)] if n != raw[i]]
        if changed:
            reply["w"] = changed
        return reply


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


INPUT = builtins.input


class Output:
    """stdout of the answer; travels to the judge with the next reply."""

    encoding = "utf-8"

    def __init__(self, parts):
        self.side = parts
        self.kept = 0

    def write(self, text):
        text = str(text)
        if self.kept < 65536:
            self.side.out.append(text[: 65536 - self.kept])
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return False


def _setattr(o, name, value):
    setattr(o, name, value)


def _setitem(o, key, value):
    o[key] = value


def _delitem(o, key):
    del o[key]


def _enter(o):
    return type(o).__enter__(o)


def _exit(o):
    return type(o).__exit__(o, None, None, None)


def _await(o):
    import asyncio

    async def wait():
        return await o

    return asyncio.run(wait())


import operator

BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "lshift", "rshift"]
COMPARE = ["eq", "ne", "lt", "le", "gt", "ge"]
SPECIAL = {n: getattr(operator, n) for n in BINARY + COMPARE + ["neg", "pos", "invert", "abs", "getitem", "contains", "truth"]}
SPECIAL.update(
    call=lambda f, *a, **k: f(*a, **k), getattr=getattr, setattr=_setattr, setitem=_setitem, delitem=_delitem,
    len=len, iter=iter, next=next, str=str, repr=repr, hash=hash, int=int, float=float, round=round, enter=_enter,
    exit=_exit, isinstance=isinstance, dir=dir, reversed=lambda o: list(reversed(o)), format=format,
    **{"await": _await},
)


def candidate_main(channel, order=None):
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    first, last = sorted((channel.reads, channel.writes))
    os.closerange(3, first)
    os.closerange(first + 1, last)
    os.closerange(last + 1, 1024)
    side = Candidate(channel)
    side.order = order
    sys.stdin = open(os.devnull)
    sys.stdout = sys.__stdout__ = sys.stderr = sys.__stderr__ = Output(side)
    builtins.input = lambda prompt="": side.ask({"cb": "input", "a": [str(prompt)], "kw": {}})
    sys.argv = ["answer.py"]
    sys.modules.pop("__main__", None)
    sys.modules["__main__"] = type(sys)("__main__")
    sys.setrecursionlimit(1100)
    try:
        side.serve()
    finally:
        os._exit(0)


# ---------------------------------------------------------------- the judge's side


class Remote:
    """An object of the answer. Operators work only where the tests named a class of the answer themselves:
    otherwise a result could answer `== 5` with True and `- 5` with 0.0 whatever it is."""

    def __init__(self, judge, m):
        self.__dict__.update(_judge=judge, _h=m["h"], _of=m.get("of"), _name=m.get("name", "object"))

    def __getattr__(self, name):
        if name.startswith("__") and name.endswith("__") and name not in ("__name__", "__dict__", "__doc__"):
            raise AttributeError(name)
        return self._judge.special(self, "getattr", name)

    def __setattr__(self, name, value):
        self._judge.special(self, "setattr", name, value)

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
        if not isinstance(other, Remote):
            return self._judge.special(self, "eq", other) if self._judge.trusts(self) else False
        if self._h == other._h:
            return True
        return self._judge.special(self, "eq", other) if self._judge.trusts(self) else False

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return self._judge.special(self, "hash") if self._judge.trusts(self) else hash(self._h)

    def __await__(self):
        yield from ()
        return self._judge.special(self, "await")

    def __reduce__(self):
        raise TypeError("an object of the answer cannot be copied")

    @property
    def __class__(self):
        named = self.__dict__["_judge"].classes.get(self.__dict__["_of"])
        return named if named is not None else Remote


def _forward(op, checked=True):
    def method(self, *args):
        if checked and not self._judge.trusts(self):
            raise TypeError(f"the tests use {op} on an object whose class they do not know ({self._name})")
        return self._judge.special(self, op, *args)

    return method


for _op in BINARY:
    setattr(Remote, f"__{_op.rstrip('_')}__", _forward(_op))
for _op in ["lt", "le", "gt", "ge", "neg", "pos", "invert", "abs", "int", "float", "round", "format"]:
    setattr(Remote, f"__{_op}__", _forward(_op))
for _op in ["len", "getitem", "setitem", "delitem", "contains", "enter", "reversed"]:
    setattr(Remote, f"__{_op}__", _forward(_op, False))
Remote.__bool__ = lambda self: self._judge.special(self, "truth") if self._judge.trusts(self) else True
Remote.__exit__ = lambda self, *exc: self._judge.special(self, "exit")


class RemoteMeta(type):
    """A class of the answer, as a class of the judge, so that isinstance and except work."""

    def __call__(cls, *args, **kwargs):
        return cls._judge.call(cls._remote, args, kwargs)

    def __getattr__(cls, name):
        if name.startswith("__") or name in ("_remote", "_judge"):
            raise AttributeError(name)
        return cls._judge.special(cls._remote, "getattr", name)

    def __instancecheck__(cls, value):
        if type(value) is not Remote:
            return type.__instancecheck__(cls, value)
        return bool(cls._judge.special(value, "isinstance", cls._remote))


class Judge(Codec):
    def __init__(self, channel):
        self.channel = channel
        self.objects = {}
        self.classes = {}
        self.errors = {}
        self.named = set()
        # Names that the tests can mean; None: whatever is looked up was written in the tests.
        self.words = None

    def encode_object(self, v, snapshot):
        if type(v) is Remote:
            return {"h": v.__dict__["_h"]}
        remote = type.__getattribute__(v, "__dict__").get("_remote") if isinstance(v, type) else None
        if remote is not None:
            return {"h": remote.__dict__["_h"]}
        if hasattr(type(v), "_snapshot_of"):
            return {"h": v.__dict__["_h"]}
        self.objects[id(v)] = v
        return {"o": id(v), "call": callable(v)}

    def decode_object(self, m):
        if "o" in m and m["o"] in self.objects:
            return self.objects[m["o"]]
        if "h" not in m:
            raise AnswerDied("the answer's process broke the protocol")
        if "class" in m:
            return self.mirror(m)
        if "coro" in m:
            return self.coroutine(Remote(self, m))
        if "snap" in m:
            return self.data_object(self.decode(m["snap"]), m)
        return Remote(self, m)

    async def coroutine(self, remote):
        return self.special(remote, "await")

    def data_object(self, value, m):
        """An instance of a subclass of list, dict, str, …: its data, compared as data, with its attributes."""
        base = type(value)
        remote = Remote(self, m)
        if base is bool or base not in DATA:
            return value
        cls = type(str(m.get("name", base.__name__)), (base,), {
            "_snapshot_of": True,
            "__getattr__": lambda s, n: getattr(remote, n),
        })
        copy = cls(value)
        copy.__dict__["_h"] = m["h"]
        return copy

    def mirror(self, m):
        if m["h"] not in self.classes:
            chain = [getattr(builtins, n) for n in m["class"] if isinstance(getattr(builtins, n, None), type)]
            base = next((c for c in chain if issubclass(c, BaseException)), None)
            if base is not None:
                self.classes[m["h"]] = self.mirror_error(m["h"], m["name"], base)
            else:
                space = {"_judge": self, "_remote": Remote(self, m), "__module__": "answer"}
                self.classes[m["h"]] = RemoteMeta(m["name"], (), space)
        return self.classes[m["h"]]

    def mirror_error(self, key, name, base):
        if key not in self.errors:
            self.errors[key] = type(name, (base,), {"_remote": Remote(self, {"h": key, "name": name})})
        return self.errors[key]

    def trusts(self, remote):
        return remote.__dict__["_of"] in self.named

    def receive(self):
        """The reply to our last message; serves what the answer asks meanwhile."""
        while True:
            m = self.channel.receive()
            if not isinstance(m, dict):
                raise AnswerDied("the answer's process broke the protocol")
            if m.get("out"):
                sys.stdout.write(str(m["out"]))
            if not any(k in m for k in ("cb", "cbget", "cbset")):
                return m
            self.channel.send(self.serve(m))

    def serve(self, m):
        try:
            if "cb" in m:
                f = builtins.input if m["cb"] == "input" else self.objects[m["cb"]]
                kw = {k: self.decode(v) for k, v in m["kw"].items()}
                return {"ok": self.encode(f(*[self.decode(a) for a in m["a"]], **kw))}
            key, name = m.get("cbget", m.get("cbset")), str(m["name"])
            target = self.objects[key]
            if name.startswith("_") or type(target).__module__ != "tests":
                raise AttributeError(name)
            if "cbset" in m:
                setattr(target, name, self.decode(m["v"]))
                return {"ok": None}
            return {"ok": self.encode(getattr(target, name))}
        except AnswerDied:
            raise
        except Exception as e:
            return {"err": [type(e).__name__, *[a for a in e.args if isinstance(a, (str, int))]]}

    def ask(self, message):
        self.asked = getattr(self, "asked", 0) + 1
        self.channel.send(message)
        reply = self.receive()
        if "err" in reply:
            raise self.failure(reply["err"])
        return reply

    def failure(self, err):
        bases = [getattr(builtins, n) for n in err["chain"] if isinstance(getattr(builtins, n, None), type)]
        base = next((b for b in bases if issubclass(b, BaseException)), RuntimeError)
        args = self.decode(err["args"])
        cls = base
        if err["own"]:
            if is_stdlib(err["module"]) and err["module"] != "__main__":
                cls = getattr(sys.modules.get(err["module"]), err["name"], base)
                cls = cls if isinstance(cls, type) and issubclass(cls, base) else base
            else:
                cls = self.mirror_error(err["cls"], err["name"], base)
        error = cls.__new__(cls, *args)
        error.args = tuple(args)
        if isinstance(error, SystemExit):
            # Uncaught it must not end a command with success.
            code = args[0] if args else None
            error.code = "the answer ended the program" if self.words is not None and not code else code
        return error

    def special(self, remote, op, *args):
        reply = self.ask({"op": op, "h": remote.__dict__["_h"], "a": [self.encode(a) for a in args]})
        return self.decode(reply.get("ok"))

    def call(self, remote, args, kwargs):
        encoded = [self.encode(a) for a in args]
        reply = self.ask({
            "op": "call",
            "h": remote.__dict__["_h"],
            "a": encoded,
            "kw": {k: self.encode(v) for k, v in kwargs.items()},
        })
        for index, value in reply.get("w", []):
            update(args[index], self.decode(value))
        return self.decode(reply.get("ok"))

    def lookup(self, name):
        reply = self.ask({"op": "get", "name": name})
        if reply.get("missing"):
            raise KeyError(name)
        value = self.decode(reply.get("ok"))
        if isinstance(value, RemoteMeta) and (self.words is None or name in self.words):
            self.named.add(value._remote.__dict__["_h"])
        return value


def update(old, new):
    """Makes `old` equal to `new` in place: what the answer did to an argument, the tests shall see."""
    if type(old) is not type(new):
        return
    if isinstance(old, list):
        for i in range(min(len(old), len(new))):
            if isinstance(old[i], (list, dict, set)) and type(old[i]) is type(new[i]):
                update(old[i], new[i])
            else:
                old[i] = new[i]
        old[len(new):] = new[len(old):]
    elif isinstance(old, dict):
        for key in [k for k in old if k not in new]:
            del old[key]
        for key, value in new.items():
            if key in old and isinstance(old[key], (list, dict, set)):
                update(old[key], value)
            else:
                old[key] = value
    elif isinstance(old, (set, bytearray)):
        old.clear()
        old.update(new) if isinstance(old, set) else old.extend(new)


class Names(dict):
    """Globals of the tests: their own, then the language's, then those of the answer."""

    def __init__(self, judge):
        super().__init__(__name__="__main__", __builtins__=builtins)
        self.judge = judge

    def __missing__(self, name):
        if hasattr(builtins, name) or name in ("__annotations__", "__conditional_annotations__"):
            raise KeyError(name)
        if name in sys.stdlib_module_names:
            return __import__(name)
        return self.judge.lookup(name)


class TestsModule(type(sys)):
    """What `unittest.main()` and others find when they look at `__main__`: the tests."""

    def __init__(self, names):
        super().__init__("__main__")
        type(sys).__setattr__(self, "_names", names)

    def __getattr__(self, name):
        try:
            return self._names[name]
        except KeyError:
            raise AttributeError(name) from None

    def __dir__(self):
        return list(self._names)


KEPT = []


def start(deadline):
    """Forks a candidate that knows nothing yet."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        candidate_main(Channel(theirs.fileno(), theirs.fileno()))
    theirs.close()
    KEPT.append(ours)
    channel = Channel(ours.fileno(), ours.fileno())
    channel.deadline = deadline
    return Judge(channel)


class Captured:
    """Keeps what the tests print out of the report, and little of it."""

    encoding = "utf-8"

    def __init__(self):
        self.parts = []
        self.size = 0

    def write(self, text):
        if self.size < 16384:
            self.parts.append(text[: 16384 - self.size])
            self.size += len(text)
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return False


def explain(e):
    """One line for a person: the error and the line of the tests it came from."""
    line = None
    tb = e.__traceback__
    while tb is not None:
        if tb.tb_frame.f_code.co_filename == "<tests>":
            line = tb.tb_lineno
        tb = tb.tb_next
    try:
        text = f"{type(e).__name__}: {e}"
    except BaseException:
        text = "an error that cannot be shown"
    return {"message": text[:500], "line": line}


def prepare(judge, order):
    """Loads and runs the answer. Returns a verdict when that already fails, else None."""
    reply = judge.ask({"op": "load", "programs": order["programs"], "entry": order["entry"]})
    if "ok" not in reply:
        return {"status": "syntax" if "syntax" in reply else "unfit", "message": str(reply.get("syntax") or reply.get("unfit"))[:500]}
    judge.chosen = reply["ok"]
    try:
        judge.ask({"op": "run"})
    except AnswerDied:
        raise
    except BaseException as e:
        return {"status": "crashed", **explain(e)}
    return None


def namespace(judge, order):
    names = Names(judge)
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

    def __getattr__(self, name):
        if name.startswith("__") and name != "__all__":
            raise AttributeError(name)
        try:
            if name == "__all__":
                return [str(n) for n in self._judge.ask({"op": "names"})["ok"]]
            return self._judge.lookup(name)
        except KeyError:
            raise AttributeError(f"the answer does not define {name}") from None


def run_tests(judge, order):
    failed = prepare(judge, order)
    if failed:
        return failed
    try:
        code = compile(order["tests"], "<tests>", "exec")
    except (SyntaxError, ValueError) as e:
        return {"status": "empty", "message": f"the tests do not parse: {e}"[:500]}
    names = namespace(judge, order)
    for name in ("solution", "answer", "submission"):
        sys.modules[name] = AnswerModule(name, judge)
    before = judge.asked
    try:
        exec(code, names)
        collected = run_collected(names, judge, order, before)
    except AnswerDied:
        raise
    except SystemExit as e:
        collected = {"status": "passed"} if own_exit(e) else {"status": "failed", **explain(e)}
    except ModuleNotFoundError as e:
        if raised_by_tests(e):
            return {"status": "empty", "message": f"the tests do not run: {e}"[:500]}
        return {"status": "failed", **explain(e)}
    except BaseException as e:
        return {"status": "failed", **explain(e)}
    if collected["status"] == "passed" and judge.asked == before:
        return {"status": "empty", "message": "the tests checked nothing of the answer"}
    return collected


def raised_by_tests(e):
    """Whether an import of the tests failed, and not one that the answer made when it was called."""
    tb, files = e.__traceback__, []
    while tb is not None:
        files.append(tb.tb_frame.f_code.co_filename)
        tb = tb.tb_next
    return "<tests>" in files and all(f == "<tests>" or "importlib" in f for f in files[files.index("<tests>"):])


def run_collected(names, judge, order, before):
    """Runs what the tests define without calling it: test functions and classes, `check(candidate)`."""
    own = list(dict.items(names))
    functions = [(n, f) for n, f in own if n.startswith("test") and is_own_function(f)]
    classes = [(n, c) for n, c in own if isinstance(c, type) and getattr(c, "__module__", "") == "__main__"]
    check = dict.get(names, "check")
    if is_own_function(check) and judge.asked == before:
        candidate = judge.lookup(order["entry"]) if order["entry"] else only_function(judge)
        if candidate is None:
            return {"status": "empty", "message": "check(candidate) needs the name of the function: give entryPoint"}
        check(candidate)
    cases = []
    for name, function in functions:
        calls = parametrized(function)
        if calls is None:
            return {"status": "empty", "message": f"{name} needs fixtures: give a command that runs pytest"}
        cases += [(name, function, args) for args in calls]
    passed, failures, total = run_classes(classes)
    for name, function, kwargs in cases:
        total += 1
        try:
            result = function(**kwargs)
            if type(result).__name__ == "coroutine":
                __import__("asyncio").run(result)
            passed += 1
        except AnswerDied:
            raise
        except BaseException as e:
            if type(e).__name__ == "Skipped":
                total -= 1
                continue
            failures.append({"test": name, **explain(e)})
    if total == 0:
        return {"status": "passed"}
    status = "failed" if failures else "passed"
    return {"status": status, "passed": passed, "total": total, "failures": failures[:5]}


def is_own_function(f):
    return type(f).__name__ == "function" and f.__code__.co_filename == "<tests>"


def only_function(judge):
    names = [str(n) for n in judge.ask({"op": "names"})["ok"] if not str(n).startswith("_")]
    found = [v for v in (judge.lookup(n) for n in names) if callable(v) and not isinstance(v, type)]
    return found[0] if len(found) == 1 else None


def parametrized(function):
    """Keyword arguments of every call that pytest's parametrize marks ask for; None when others are needed."""
    import inspect

    calls = [{}]
    for mark in getattr(function, "pytestmark", []):
        if mark.name != "parametrize":
            continue
        keys = mark.args[0]
        keys = [k.strip() for k in keys.split(",")] if isinstance(keys, str) else list(keys)
        rows = [getattr(row, "values", row) if type(row).__name__ == "ParameterSet" else row for row in mark.args[1]]
        rows = [row if len(keys) > 1 or type(row) is tuple and len(row) == 1 and type(row).__name__ == "ParameterSet" else (row,) for row in rows]
        calls = [{**call, **dict(zip(keys, row))} for call in calls for row in rows]
    needed = {
        p.name
        for p in inspect.signature(function).parameters.values()
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }
    return calls if all(needed <= set(call) for call in calls) else None


def run_classes(classes):
    """Runs unittest cases and plain Test classes. Returns (passed, failures, total)."""
    import io
    import unittest

    passed, failures, total = 0, [], 0
    for name, cls in classes:
        if issubclass(cls, unittest.TestCase):
            suite = unittest.TestLoader().loadTestsFromTestCase(cls)
            result = unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(suite)
            bad = result.failures + result.errors + [(t, "unexpected success") for t in result.unexpectedSuccesses]
            ran = result.testsRun - len(result.skipped)
            total += ran
            passed += max(0, ran - len(bad))
            failures += [{"test": str(t)[:200], "message": str(text).strip().split("\n")[-1][:300]} for t, text in bad]
        elif name.startswith("Test"):
            for key in [k for k in vars(cls) if k.startswith("test")]:
                total += 1
                try:
                    case = cls()
                    if hasattr(case, "setup_method"):
                        case.setup_method()
                    getattr(case, key)()
                    passed += 1
                except AnswerDied:
                    raise
                except BaseException as e:
                    failures.append({"test": f"{name}.{key}", **explain(e)})
    return passed, failures, total


def own_exit(e):
    """`unittest.main()` ends with SystemExit(0) in the tests' own frames; one of the answer's does not count."""
    if e.code not in (0, False, None):
        return False
    tb = e.__traceback__
    last = None
    while tb is not None:
        last = tb.tb_frame.f_code.co_filename
        tb = tb.tb_next
    return last is not None and last.endswith("unittest/main.py")


def same(value, want):
    """Whether a result is what an example shows: as a value, as its repr, as bare text, floats nearly."""
    import math

    try:
        if repr(value) == want or (isinstance(value, str) and value == want):
            return True
    except BaseException:
        return False
    try:
        wanted = eval(want, {"__builtins__": {}, "true": True, "false": False, "null": None})
    except BaseException:
        return False
    if close(value, wanted, math):
        return True
    # Prose writes a tuple of one as ("x").
    return want.startswith("(") and isinstance(value, tuple) and len(value) == 1 and close(value[0], wanted, math)


def close(a, b, math):
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(close(x, y, math) for x, y in zip(a, b))
    if isinstance(a, float) or isinstance(b, float):
        number = (int, float)
        return isinstance(a, number) and isinstance(b, number) and math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)
    return type(a) is not Remote and a == b


def run_examples(judge, order):
    failed = prepare(judge, order)
    if failed:
        return failed
    names = namespace(judge, order)
    passed, failures, skipped = 0, [], 0
    for example in order["examples"]:
        try:
            for line in example["setup"]:
                exec(compile(line, "<tests>", "exec"), names)
            code = compile(example["source"], "<tests>", "eval")
        except AnswerDied:
            raise
        except BaseException:
            skipped += 1
            continue
        try:
            value = eval(code, names)
            ok = same(value, example["want"]) if example.get("raises") is None else False
            got = repr(value)[:200]
        except AnswerDied:
            raise
        except BaseException as e:
            ok = example.get("raises") == type(e).__name__
            got = f"{type(e).__name__}: {e}"[:200]
        if ok:
            passed += 1
        else:
            failures.append({"source": example["source"][:200], "want": example["want"][:200], "got": got})
    total = passed + len(failures)
    if total == 0:
        return {"status": "empty"}
    return {"status": "passed" if not failures else "failed", "passed": passed, "total": total, "skipped": skipped, "failures": failures[:5]}


def check_syntax(judge, order):
    reply = judge.ask({"op": "load", "programs": order["programs"], "entry": order["entry"]})
    judge.chosen = reply.get("ok")
    if "ok" in reply:
        return {"status": "passed"}
    return {"status": "failed", "message": str(reply.get("syntax") or reply.get("unfit"))[:500]}


CHECKS = {"tests": run_tests, "examples": run_examples, "syntax": check_syntax}


# ---------------------------------------------------------------- for tests that are run by a command


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


def attached_candidate():
    order = json.loads(sys.stdin.buffer.read())
    reads = os.open("/judge/q", os.O_RDONLY)
    candidate_main(Channel(reads, os.open("/judge/p", os.O_WRONLY)), order)


def main():
    sys.path[:] = [p for p in sys.path if p]
    sys.path.append(f"{sys.prefix}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages")
    started = time.monotonic()
    if sys.argv[1] == "candidate":
        return attached_candidate()
    kinds = sys.argv[1].split(",")
    sys.argv = ["tests.py"]
    judges = {kind: start(None) for kind in kinds}
    order = json.loads(sys.stdin.buffer.read())
    report, out = {"checks": {}}, sys.stdout
    out.write(f"\n{order['token']}begin\n")
    out.flush()
    sys.stdout = captured = Captured()
    for kind in kinds:
        judge = judges[kind]
        judge.channel.deadline = started + order["seconds"][kind]
        began = time.monotonic()
        try:
            result = CHECKS[kind](judge, order)
        except AnswerDied as e:
            result = {"status": "timed-out" if str(e) == "timed out" else "died", "message": str(e)}
        result["ms"] = round((time.monotonic() - began) * 1000, 1)
        report["checks"][kind] = result
        report.setdefault("chosen", None)
        if getattr(judge, "chosen", None) is not None:
            report["chosen"] = judge.chosen
    report["printed"] = "".join(captured.parts)[:2000]
    out.write(f"\n{order['token']}{json.dumps(report)}\n")
    out.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
