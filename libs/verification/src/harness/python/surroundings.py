"""What tests change of the process around the answer: carried over, as the answer's process is another one."""
import os
import re
import sys

from acr_harness.codec import is_stdlib

# Names under which tests import the answer, or mean what is pasted below it.
ANSWERS = ("solution", "answer", "submission", "__main__")
# These have ways of their own: output and input cross as text, the environment as text, `input` as a call.
ELSEWHERE = {("sys", "stdin"), ("sys", "stdout"), ("sys", "stderr"), ("os", "environ"), ("builtins", "input")}
# What nothing here carries over: a failure may be the harness's then.
NOT_CARRIED = [
    r"\b(sys\.(?:modules\[(?!__name__)|settrace|setprofile|getrefcount|getsizeof|_getframe))",
    r"\b(tracemalloc|resource|weakref|multiprocessing|contextvars|decimal\.(?:get|set|local)context)\.",
    r"\b(importlib\.reload|reload|getcontext|setcontext|localcontext|setlocale|ProcessPoolExecutor|ContextVar)\s*\(",
    r"\b(signal\.raise_signal|os\.(?:fork|kill)|gc\.(?:collect|get_\w+))\s*\(",
    r"\.(__code__|__closure__|__globals__|__slots__|__mro__|__bases__|__subclasses__|__weakref__)\b",
]
_MISSING = object()


def not_carried(text):
    """What tests do that cannot reach the answer, in their own words; None when there is nothing."""
    for pattern in NOT_CARRIED:
        found = re.search(pattern, text)
        if found:
            return found[1]
    for target in re.findall(r"\bpatch(?:\.dict|\.multiple)?\(\s*f?[\"']([\w.]+)[\"']", text):
        root = target.partition(".")[0]
        if root not in ANSWERS and not is_stdlib(root):
            return f"patch of {target}"
    return None


def raw(owner, name):
    """The value itself, not what a descriptor makes of it."""
    for space in owner.__mro__ if isinstance(owner, type) else (owner,):
        if name in vars(space):
            return vars(space)[name]
    return _MISSING


class Surroundings:
    """Compares, before each question, what the tests may have changed; sends what they did."""

    def __init__(self, text):
        self.watched = {}
        self.sent = {}
        self.env = dict(os.environ) if "env" in text else None
        self.cwd = os.getcwd() if "chdir" in text else None
        self.limit = sys.getrecursionlimit() if "setrecursionlimit" in text else None
        self.random = "seed(" in text and self.seeding()
        self.forward = [name for name, sign in (("logging", "logging"), ("logging", "Logs("), ("warnings", "arn")) if sign in text]
        for dotted, name in self.targets(text):
            owner = self.owner(text, dotted)
            known = type(owner) is type(sys) or isinstance(owner, type)
            if known and (getattr(owner, "__name__", ""), name) not in ELSEWHERE:
                self.watched[id(owner), name] = owner, raw(owner, name)

    def seeding(self):
        """Notices a seed even where it brings the very state that was last sent."""
        import random

        usual = random.seed

        def seed(*args, **kwargs):
            usual(*args, **kwargs)
            self.random = True

        random.seed = seed
        return random.getstate()

    @staticmethod
    def targets(text):
        """(owner, attribute) of all that the tests patch or assign, as they write it."""
        if "patch" in text or "setattr" in text:
            for target in re.findall(r"\bpatch\(\s*[\"']([\w.]+)\.(\w+)[\"']", text):
                yield target
            for target in re.findall(r"\b(?:patch\.object|setattr)\(\s*([\w.]+)\s*,\s*[\"'](\w+)[\"']", text):
                yield target
        for line in text.replace(";", "\n").split("\n") if "import" in text else ():
            head, assigned, _ = line.strip().partition("=")
            dotted, dot, name = head.strip().rpartition(".")
            if assigned and dot and name.isidentifier() and dotted.replace(".", "_").isidentifier():
                yield dotted, name

    @staticmethod
    def owner(text, dotted):
        """The module or class of the language that is meant, loaded; None for anything else."""
        root, *rest = dotted.split(".")
        if root in ANSWERS and rest:
            root, *rest = rest
        word = re.escape(root)
        renamed = re.search(rf"\bimport\s+([\w.]+)\s+as\s+{word}\b", text)
        taken = re.search(rf"\bfrom\s+([\w.]+)\s+import\s+[^\n]*\b{word}\b", text)
        path = [*renamed[1].split("."), *rest] if renamed else [root, *rest]
        if taken and not renamed and not is_stdlib(root):
            path = [*taken[1].split("."), *path]
        if path[0] in ANSWERS or not is_stdlib(path[0]):
            return None
        found = None
        for end, part in enumerate(path, 1):
            try:
                found = __import__("importlib").import_module(".".join(path[:end]))
            except ImportError:
                found = getattr(found, part, None)
        return found

    def changes(self, judge):
        """What has changed since the last question, as the answer's process takes it; {} for nothing."""
        state = {}
        if self.forward:
            state["forward"], self.forward = self.forward, None
        if self.env is not None and self.env != dict(os.environ):
            self.env = dict(os.environ)
            state["env"] = self.env
        if self.cwd is not None and self.cwd != os.getcwd():
            state["cwd"] = self.cwd = os.getcwd()
        if self.limit is not None and self.limit != sys.getrecursionlimit():
            state["limit"] = self.limit = sys.getrecursionlimit()
        if self.random:
            now = sys.modules["random"].getstate()
            if now != self.random:
                self.random, state["random"] = now, [now[0], list(now[1]), now[2]]
        patches = [p for key in self.watched for p in self.patched(judge, key)]
        if patches:
            state["patches"] = patches
        return state

    def patched(self, judge, key):
        owner, original = self.watched[key]
        now = raw(owner, key[1])
        if now is self.sent.get(key, original):
            return
        self.sent[key] = now
        if now is original:
            yield {"on": judge.encode(owner), "name": key[1]}
        elif now is not _MISSING:
            function = type(now).__name__ in ("function", "classmethod", "staticmethod")
            value = getattr(now, "__func__", now) if function else now
            yield {"on": judge.encode(owner), "name": key[1], "v": judge.encode(value), "function": function}
