"""The process of the answer: executes it and serves the judge. Everything here may be taken over by the answer."""
import builtins
import sys

from acr_harness.adopted import adopt, as_function
from acr_harness.codec import Codec
from acr_harness.operations import SPECIAL
from acr_harness.tests_object import JudgeObject

INPUT = builtins.input
GENERATOR = type(_ for _ in ())


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
        channel.handle = self.handle
        self.objects = {}
        self.globals = {"__name__": "answer", "__builtins__": builtins}
        self.out = []
        self.err = []
        # What was there before the tests patched it.
        self.originals = {}

    def encode_object(self, v, snapshot):
        if type(v) is JudgeObject:
            return {"o": v.__dict__["_key"]}
        key = id(v)
        self.objects[key] = v
        m = {"h": key, "call": callable(v), "name": getattr(v, "__name__", type(v).__name__)}
        m["name"] = m["name"] if type(m["name"]) is str else "object"
        if isinstance(v, type):
            m["class"] = [c.__name__ for c in v.__mro__ if c.__module__ == "builtins"]
            if issubclass(v, BaseException):
                m["own"] = self.own_errors(v)
        else:
            m["of"] = id(type(v))
            m["kind"] = type(v).__name__ if type(v) is GENERATOR else None
            m["await"] = hasattr(type(v), "__await__")
            self.objects[id(type(v))] = type(v)
        if snapshot is not None:
            m["snap"] = snapshot
        if type(v).__name__ == "coroutine":
            m["coro"] = True
        return m

    def decode_object(self, m):
        if "h" in m:
            return self.objects[m["h"]]
        if "coro" in m:
            return self.coroutine(m["o"])
        return JudgeObject(self, m["o"], m["call"], m.get("names", {}))

    async def coroutine(self, key):
        """A coroutine of the tests."""
        return self.ask({"cbop": key, "op": "await", "a": []})

    def ask(self, message):
        """Asks the judge while the judge waits for us."""
        # What the judge does for us may need us in turn: a callback that looks at an object of ours.
        reply = self.channel.converse({**self.take_output(), **message}, lambda m: "op" in m)
        if "err" in reply:
            raise getattr(builtins, reply["err"][0], Exception)(*reply["err"][1:])
        return self.decode(reply["ok"])

    def take_output(self):
        """What was printed since, by name of the stream."""
        printed = {}
        for name, parts in (("out", self.out), ("err_out", self.err)):
            if parts:
                printed[name] = "".join(parts)[:65536]
                parts.clear()
        return printed

    def load(self, programs, entry):
        """The first program that parses and defines what is asked for."""
        error, parsed = None, None
        for index, program in enumerate(programs):
            try:
                tree = compile(program, "<answer>", "exec", 0x400)  # ast.PyCF_ONLY_AST without importing ast
                compile(tree, "<answer>", "exec")  # `return` outside a function parses.
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

    def handle(self, m):
        """The reply to one question of the judge."""
        try:
            if "state" in m:
                adopt(self, m["state"])
            if m["op"] == "load":
                order = self.order or m
                reply, self.program = self.load(order["programs"], order["entry"])
            elif m["op"] == "run":
                self.run(self.program)
                reply = {"ok": None}
            elif m["op"] == "script":
                reply = {"ok": self.run_script(self.program, m)}
            elif m["op"] == "names":
                reply = {"ok": sorted(n for n in self.globals if type(n) is str and n[:1] != "_")}
            else:
                reply = self.perform(m)
        except BaseException as e:
            reply = self.error(e)
        reply.update(self.take_output())
        return reply

    def error(self, e, depth=0):
        cls = type(e)
        chain = [c.__name__ for c in cls.__mro__ if c.__module__ == "builtins" and c.__name__ in dir(builtins)]
        try:
            args, text = self.encode(list(e.args)), str(e)
        except BaseException:
            args, text = {"l": []}, ""
        try:
            attributes = {k: self.encode(v) for k, v in vars(e).items() if type(k) is str and k[:1] != "_"}
        except BaseException:
            attributes = {}
        self.objects[id(e)] = e
        err = {"chain": chain, "own": self.own_errors(cls), "h": id(e), "name": str(cls.__name__), "module": str(cls.__module__)}
        err.update(args=args, text=text[:2000], attributes=attributes)
        if e.__cause__ is not None and depth < 3:
            err["cause"] = self.error(e.__cause__, depth + 1)["err"]
        return {"err": err}

    def own_errors(self, cls):
        """The classes of an error that the language did not bring, most special first."""
        own = [c for c in cls.__mro__ if c.__module__ != "builtins"]
        self.objects.update((id(c), c) for c in own)
        return [[id(c), str(c.__name__)] for c in own]

    def perform(self, m):
        if m["op"] == "get":
            if m["name"] not in self.globals:
                return {"missing": True}
            return {"ok": self.encode(self.globals[m["name"]])}
        if m["op"] == "set":
            self.globals[m["name"]] = self.decode(m["v"])
            return {"ok": None}
        if m["op"] == "delete":
            return {"ok": None} if self.globals.pop(m["name"], self) is not self else {"missing": True}
        if m["op"] == "unpickle":
            return {"ok": self.encode(__import__("pickle").loads(self.decode(m["data"])))}
        if m["op"] == "subclass":
            return {"ok": self.encode(self.subclass(m))}
        target = self.objects[m["h"]]
        raw = m.get("a", [])
        args = [self.decode(a) for a in raw]
        kwargs = {k: self.decode(a) for k, a in m.get("kw", {}).items()}
        if m["op"] == "setattr" and isinstance(target, type) and type(args[1]) is JudgeObject and "__name__" in args[1].__dict__:
            args[1] = as_function(args[1])
        value = SPECIAL[m["op"]](target, *args, **kwargs)
        same = [i for i, a in enumerate(args) if a is value and isinstance(a, (list, dict, set, bytearray))]
        reply = {"arg": same[0]} if same else {"ok": self.encode(value)}
        changed = [[i, n] for i, a in enumerate(args) if isinstance(raw[i], dict) for n in [self.encode(a)] if n != raw[i]]
        if changed:
            reply["w"] = changed
        return reply

    def subclass(self, m):
        """A class that the tests derive from one of the answer's: what they override is called in the judge."""
        base = self.objects[m["h"]]
        own = {name: self.decode(v) for name, v in m["own"].items()}
        space = {name: as_function(v) if type(v) is JudgeObject and v._call else v for name, v in own.items()}
        for name, kind in m["kinds"].items():
            space[name] = {"property": property, "staticmethod": staticmethod, "classmethod": classmethod}[kind](space[name])
        return type(base)(m["name"], (base,), {**space, "__module__": "__main__"})
