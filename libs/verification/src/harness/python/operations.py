"""What the judge may ask of an object of the answer."""
import operator


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


def _copying(name):
    return lambda o: getattr(__import__("copy"), name)(o)


def _pickle(o):
    import pickle

    return pickle.dumps(o)


def _await(o):
    import asyncio

    async def wait():
        return await o

    return asyncio.run(wait())


BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "lshift", "rshift"]
COMPARE = ["eq", "ne", "lt", "le", "gt", "ge"]
SPECIAL = {n: getattr(operator, n) for n in BINARY + COMPARE + ["neg", "pos", "invert", "abs", "getitem", "contains", "truth"]}
SPECIAL.update(
    call=lambda f, *a, **k: f(*a, **k), getattr=getattr, setattr=_setattr, delattr=delattr, setitem=_setitem, delitem=_delitem,
    len=len, bool=bool, iter=iter, next=next, str=str, repr=repr, hash=hash, int=int, float=float, round=round, enter=_enter,
    exit=_exit, isinstance=isinstance, issubclass=issubclass, dir=dir, reversed=lambda o: list(reversed(o)), format=format,
    copy=_copying("copy"), deepcopy=_copying("deepcopy"), pickle=_pickle, **{"await": _await},
)
