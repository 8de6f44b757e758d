"""Values as plain data."""
import sys

from acr_harness.channel import AnswerDied

MAX_DEPTH = 150
DATA = (list, tuple, dict, set, frozenset, str, int, float, bytes)


def is_stdlib(name):
    return name.partition(".")[0] in sys.stdlib_module_names


def place_of(cls):
    """Where a class of the language is found. What functions and generators are says `types` alone."""
    if cls.__module__ == "builtins" and not hasattr(sys.modules["builtins"], cls.__name__):
        types = __import__("types")
        return ["types", next((n for n, t in vars(types).items() if t is cls), cls.__name__)]
    return [cls.__module__, cls.__qualname__]


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
            return {"k": place_of(v)}
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
