"""What an answer may do to the objects that tests hand to it."""

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
