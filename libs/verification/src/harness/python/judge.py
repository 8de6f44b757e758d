"""The process of the tests: asks the candidate, and answers what the answer asks of the tests."""
import builtins
import sys

from acr_harness.channel import AnswerDied
from acr_harness.codec import DATA, Codec
from acr_harness.operations import SPECIAL
from acr_harness.remote import CURRENT, Remote, RemoteAwaitable, RemoteMeta, is_remote
from acr_harness.sharing import harmless, may_touch, own_class, update
from acr_harness.tests_object import OPERATIONS
from acr_harness.told import TOLD


class Judge(Codec):
    def __init__(self, channel):
        self.channel = channel
        channel.handle = self.serve
        self.objects = {}
        self.classes = {}
        self.errors = {}
        self.remotes = {}
        self.named = set()
        # Modules of the language with which the tests looked into the answer itself, which is not here.
        self.blind = set()
        # Coroutines of the answer that are under way.
        self.awaiting = 0
        self.stuck = False
        CURRENT.append(self)
        # What the tests change around themselves; None: a command, of whose text nothing is known.
        self.surroundings = None
        # Names that the tests can mean; None: whatever is looked up was written in the tests.
        self.words = None

    def encode_object(self, v, snapshot):
        if is_remote(v):
            return {"h": v.__dict__["_h"]}
        remote = type.__getattribute__(v, "__dict__").get("_remote") if isinstance(v, type) else None
        if remote is not None:
            return {"h": remote.__dict__["_h"]}
        if hasattr(type(v), "_snapshot_of"):
            return {"h": v.__dict__["_h"]}
        self.objects[id(v)] = v
        m = {"o": id(v), "call": callable(v)}
        if type(v).__name__ == "coroutine":
            m["coro"] = True
        if type(v).__name__ == "function":
            m["names"] = {n: getattr(v, n) for n in ("__name__", "__qualname__", "__doc__", "__module__")}
        return m

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
        # The same object is the same object to `is`.
        if m["h"] not in self.remotes:
            self.remotes.setdefault(m["h"], (RemoteAwaitable if m.get("await") else Remote)(self, m))
        return self.remotes[m["h"]]

    @staticmethod
    def decode_class(module, qualname):
        return harmless(Codec.decode_class(module, qualname))

    async def coroutine(self, remote):
        # Each runs to its end at once; those that wait for one another cannot.
        if self.awaiting:
            self.blind.add("asyncio")
        self.awaiting += 1
        try:
            asyncio = sys.modules.get("asyncio")
            if asyncio and asyncio._get_running_loop():
                await asyncio.sleep(0)
            return self.special(remote, "await")
        except AnswerDied:
            self.stuck = self.stuck or self.awaiting > 1
            raise
        finally:
            self.awaiting -= 1

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
                self.classes[m["h"]] = self.mirror_error(m["own"], base)
            else:
                space = {"_judge": self, "_remote": Remote(self, m), "__module__": "answer"}
                self.classes[m["h"]] = RemoteMeta(m["name"], (), space)
        return self.classes[m["h"]]

    def mirror_error(self, own, base):
        """Class of an answer's error, below the mirrors of the classes that it derives from."""
        for key, name in reversed(own):
            if key not in self.errors:
                space = {"_remote": Remote(self, {"h": key, "name": str(name)}), "__str__": told, "__getattr__": asked}
                self.errors[key] = type(str(name), (base,), space)
            base = self.errors[key]
        return base

    def derive(self, cls, base, space):
        """`cls` is a class of the tests below one of the answer's: makes its like in the answer's process."""
        self.fill(base)
        own = {n: v for n, v in space.items() if n not in ("__module__", "__qualname__", "__classcell__", "__doc__")}
        kinds = {n: type(v).__name__ for n, v in own.items() if type(v) in (property, staticmethod, classmethod)}
        bare = {n: v.fget if type(v) is property else v.__func__ if n in kinds else v for n, v in own.items()}
        m = self.ask({
            "op": "subclass",
            "h": base._remote.__dict__["_h"],
            "name": cls.__name__,
            "own": {n: self.encode(v) for n, v in bare.items()},
            "kinds": kinds,
        })["ok"]
        type.__setattr__(cls, "_remote", Remote(self, m))
        self.classes[m["h"]] = cls
        self.named.add(m["h"])

    def fill(self, mirror):
        """Gives the mirror of a class its methods, so that `super()` finds them."""
        if "_filled" in mirror.__dict__ or "_remote" not in mirror.__dict__:
            return
        type.__setattr__(mirror, "_filled", True)
        for name in self.special(mirror._remote, "dir"):
            if name == "__init__" or not name.startswith("__"):
                type.__setattr__(mirror, name, self.method(mirror._remote, name))

    def method(self, remote, name):
        return lambda instance, *args, **kwargs: self.call(self.special(remote, "getattr", name), (instance, *args), kwargs)

    def looked_into(self, frame):
        name = frame.f_globals.get("__name__")
        if name in ("inspect", "dis", "gc"):
            self.blind.update((name, "iscoroutinefunction") if name == "inspect" else (name,))

    def trusts(self, remote):
        return remote.__dict__["_of"] in self.named

    @staticmethod
    def print(m):
        if "out" in m:
            sys.stdout.write(str(m["out"]))
        if "err_out" in m:
            sys.stderr.write(str(m["err_out"]))

    @staticmethod
    def asks(m):
        """Whether the answer asks something of the tests before it replies."""
        return any(k in m for k in ("cb", "cbget", "cbset", "cbop"))

    def serve(self, m):
        """The reply to what the answer asks of the tests."""
        self.print(m)
        try:
            if "cb" in m:
                f = TOLD[m["cb"]](self) if m["cb"] in TOLD else self.objects[m["cb"]]
                kw = {k: self.decode(v) for k, v in m["kw"].items()}
                return {"ok": self.encode(f(*[self.decode(a) for a in m["a"]], **kw))}
            if "cbop" in m:
                if m["op"] not in (*OPERATIONS, "await"):
                    raise TypeError(m["op"])
                return {"ok": self.encode(SPECIAL[m["op"]](self.objects[m["cbop"]], *[self.decode(a) for a in m["a"]]))}
            key, name = m.get("cbget", m.get("cbset")), str(m["name"])
            target = self.objects[key]
            if not may_touch(target, name, "cbset" in m):
                raise AttributeError(name)
            if "cbset" in m:
                setattr(target, name, self.decode(m["v"]))
                return {"ok": None}
            return {"ok": self.encode(getattr(target, name))}
        except AnswerDied:
            raise
        except (Exception, SystemExit) as e:
            names = [c.__name__ for c in type(e).__mro__ if c.__module__ == "builtins"]
            return {"err": [names[0], *[a for a in e.args if isinstance(a, (str, int))]]}

    def ask(self, message):
        self.asked = getattr(self, "asked", 0) + 1
        state = self.surroundings.changes(self) if self.surroundings else None
        if state:
            message = {**message, "state": state}
        reply = self.channel.converse(message, self.asks)
        self.print(reply)
        if "err" in reply:
            raise self.failure(reply["err"])
        return reply

    def failure(self, err):
        # GeneratorExit would end a generator of the tests in silence.
        bases = [getattr(builtins, n) for n in err["chain"] if n != "GeneratorExit" and isinstance(getattr(builtins, n, None), type)]
        base = next((b for b in bases if issubclass(b, BaseException)), RuntimeError)
        args = self.decode(err["args"])
        cls = base
        if err["own"]:
            cls = own_class(str(err["module"]), str(err["name"]), base) or self.mirror_error(err["own"], base)
        error = cls.__new__(cls, *args)
        try:
            # Some errors of the language take what they say from here: SyntaxError, StopIteration.
            base.__init__(error, *args)
        except Exception:
            pass
        error.args = tuple(args)
        own = {str(k): v for k, v in err["attributes"].items() if not (str(k).startswith("_") or hasattr(BaseException, str(k)))}
        error.__dict__.update({k: self.decode(v) for k, v in own.items()})
        error.__dict__.update(_acr_text=str(err["text"]), _acr_remote=Remote(self, {"h": err["h"]}))
        if "cause" in err:
            error.__cause__ = self.failure(err["cause"])
        if isinstance(error, SystemExit):
            # Uncaught it must not end a command with success.
            code = args[0] if args else None
            error.code = "the answer ended the program" if self.words is not None and not code else code
        return error

    def special(self, remote, op, *args):
        reply = self.ask({"op": op, "h": remote.__dict__["_h"], "a": [self.encode(a) for a in args]})
        return self.decode(reply.get("ok"))

    def call(self, remote, args, kwargs, op="call"):
        encoded = [self.encode(a) for a in args]
        reply = self.ask({
            "op": op,
            "h": remote.__dict__["_h"],
            "a": encoded,
            "kw": {k: self.encode(v) for k, v in kwargs.items()},
        })
        for index, value in reply.get("w", []):
            update(args[index], self.decode(value))
        if "arg" in reply:
            return args[reply["arg"]]
        return self.decode(reply.get("ok"))

    def lookup(self, name):
        reply = self.ask({"op": "get", "name": name})
        if reply.get("missing"):
            raise KeyError(name)
        value = self.decode(reply.get("ok"))
        if isinstance(value, RemoteMeta) and (self.words is None or name in self.words):
            self.named.add(value._remote.__dict__["_h"])
        return value


def told(error):
    return error.__dict__["_acr_text"] if "_acr_text" in error.__dict__ else BaseException.__str__(error)


def asked(error, name):
    """Attribute of an error that its class computes."""
    remote = error.__dict__.get("_acr_remote")
    if remote is None or name.startswith("_"):
        raise AttributeError(name)
    return getattr(remote, name)
