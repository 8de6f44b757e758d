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


def _exit(o, cls=None, args=(), error=None):
    """Leaves a `with`, at the error that the tests met in it: one of the answer's own, or its like."""
    if cls is None:
        return type(o).__exit__(o, None, None, None)
    if error is None:
        error = cls.__new__(cls, *args)
        error.args = tuple(args)
    try:
        raise error
    except BaseException:
        return bool(type(o).__exit__(o, type(error), error, error.__traceback__))


def _dataclass(o, name, *args, **changes):
    return getattr(__import__("dataclasses"), name)(o, *args, **changes)


def _copying(name):
    return lambda o: getattr(__import__("copy"), name)(o)


def _pickle(o):
    import pickle

    return pickle.dumps(o)


def _await(o):
    import asyncio

    async def wait():
        return await o

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(wait())
    # Inside a loop that waits for us: another one, in another thread.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, wait()).result()


BINARY = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "lshift", "rshift"]
COMPARE = ["eq", "ne", "lt", "le", "gt", "ge"]
SPECIAL = {n: getattr(operator, n) for n in BINARY + COMPARE + ["neg", "pos", "invert", "abs", "getitem", "contains", "truth"]}
SPECIAL.update({f"r{n.rstrip('_')}": lambda o, other, of=getattr(operator, n): of(other, o) for n in BINARY})
SPECIAL.update({f"i{n.rstrip('_')}": getattr(operator, f"i{n.rstrip('_')}") for n in BINARY})
SPECIAL.update(
    call=lambda f, *a, **k: f(*a, **k), getattr=getattr, setattr=_setattr, delattr=delattr, setitem=_setitem, delitem=_delitem,
    len=len, bool=bool, iter=iter, next=next, str=str, repr=repr, hash=hash, int=int, float=float, round=round, enter=_enter,
    exit=_exit, isinstance=isinstance, issubclass=issubclass, dir=dir, reversed=lambda o: list(reversed(o)), format=format,
    copy=_copying("copy"), deepcopy=_copying("deepcopy"), pickle=_pickle, dataclass=_dataclass, members=list, **{"await": _await},
)
