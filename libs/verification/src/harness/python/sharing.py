"""What an answer may do to the objects that tests hand to it, and what its errors may be to them."""
import sys

from acr_harness.codec import is_stdlib

# Classes of the language whose instances tests hand to answers: mocks, files in memory, bags of attributes.
SHARED_MODULES = ("__main__", "unittest.mock", "_io", "io", "types", "collections", "datetime", "array", "itertools")
NOT_OF_MOCKS = ("configure_mock", "reset_mock", "attach_mock", "mock_add_spec")
FRAMES = ("frame", "traceback", "code", "module", "generator", "coroutine", "async_generator", "function", "method")


def may_touch(target, name, to_set):
    """Whether the answer may read or set an attribute of an object of the tests: never a way to their frames, never
    a method replaced."""
    kind = type(target)
    if name.startswith("_") or kind.__name__ in FRAMES or (kind.__module__ == "unittest.mock" and name in NOT_OF_MOCKS):
        return False
    if isinstance(target, type):
        return target.__module__ == "__main__" and not to_set
    if not to_set:
        return kind.__module__ in SHARED_MODULES
    return kind.__module__ in ("__main__", "types") and not callable(getattr(kind, name, None))


# Their errors steer the run of tests: a skip, a stop, an exit. From the answer they are failures like any other.
FRAMEWORKS = ("unittest", "doctest", "bdb", "test")


def own_class(module, name, base):
    """The class of the language that an error of the answer claims to be, as its name says; None when it is none, or one
    with which test frameworks are told what to do."""
    if not is_stdlib(module) or module == "__main__":
        return None
    found = getattr(sys.modules.get(module), name, None)
    if not isinstance(found, type) or not issubclass(found, base):
        return None
    return None if found.__module__.partition(".")[0] in FRAMEWORKS else found


def harmless(cls):
    """A class of the language that the answer names, as the tests get it: errors that steer become the next one above."""
    if not issubclass(cls, BaseException):
        return cls
    steers = (SystemExit, KeyboardInterrupt, GeneratorExit)
    return next(c for c in cls.__mro__ if c not in steers and c.__module__.partition(".")[0] not in FRAMEWORKS)


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
