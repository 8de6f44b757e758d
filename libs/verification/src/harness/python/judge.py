"""The process of the tests: asks the candidate, and answers what the answer asks of the tests."""
import builtins
import sys

from acr_harness.channel import AnswerDied
from acr_harness.codec import DATA, Codec, is_stdlib
from acr_harness.remote import Remote, RemoteMeta


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
