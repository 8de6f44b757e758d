"""Tests that are defined and not called: test functions and classes, `check(candidate)`."""
from acr_harness.channel import AnswerDied
from acr_harness.explain import explain

ALL_SKIPPED = "every test was skipped"


class Tally:
    """What became of the tests so far."""

    def __init__(self):
        self.passed = self.total = self.skipped = 0
        self.failures = []

    def run(self, name, call, fate):
        """Runs one test as pytest would with its marks; see `fate_of`."""
        self.total += 1
        try:
            if fate == "skip":
                raise __import__("unittest").SkipTest
            result = call()
            if type(result).__name__ == "coroutine":
                __import__("asyncio").run(result)
        except AnswerDied:
            raise
        except BaseException as e:
            if left_out(e) or fate is not None and fate != "skip" and isinstance(e, fate.get("raises") or BaseException):
                self.total -= 1
                self.skipped += 1
            else:
                self.failures.append({"test": name, **explain(e)})
        else:
            if fate and fate.get("strict"):
                self.failures.append({"test": name, "message": "passed, but is marked as failing"})
            else:
                self.passed += 1

    def report(self):
        if self.total == 0 and self.skipped:
            return {"status": "empty", "message": ALL_SKIPPED}
        if self.total == 0:
            return {"status": "passed"}
        status = "failed" if self.failures else "passed"
        return {"status": status, "passed": self.passed, "total": self.total, "failures": self.failures[:5]}


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
    cases = [(n, f, None) for n, f in functions]
    cases += [(f"{n}.{key}", method, c) for n, c in classes for key, method in methods_of(n, c)]
    calls = []
    for name, function, cls in cases:
        marks = marks_of(names.get("pytestmark"), getattr(cls, "pytestmark", None), getattr(function, "pytestmark", None))
        rows = parametrized(function, marks, skipped=cls is not None)
        if rows is None:
            return {"status": "empty", "message": f"{name} needs fixtures: give a command that runs pytest"}
        calls += [(name, bound(function, cls, row), fate_of([*marks, *more], names)) for row, more in rows]
    tally = Tally()
    for cls in (c for _, c in classes):
        run_unittest(tally, cls)
    for name, call, fate in calls:
        tally.run(name, call, fate)
    return tally.report()


def is_own_function(f):
    # Decorators such as mock.patch stand before it.
    while type(f).__name__ == "function" and hasattr(f, "__wrapped__"):
        f = f.__wrapped__
    return type(f).__name__ == "function" and f.__code__.co_filename == "<tests>"


def only_function(judge):
    names = [str(n) for n in judge.ask({"op": "names"})["ok"] if not str(n).startswith("_")]
    found = [v for v in (judge.lookup(n) for n in names) if callable(v) and not isinstance(v, type)]
    return found[0] if len(found) == 1 else None


def left_out(e):
    """Whether the tests themselves ended a test as skipped or as failing for a known reason. Errors of the answer never
    are of these classes."""
    import sys

    modules = [("unittest", "SkipTest"), ("_pytest.outcomes", "Skipped"), ("_pytest.outcomes", "XFailed")]
    return isinstance(e, tuple(getattr(sys.modules[m], n) for m, n in modules if m in sys.modules))


def marks_of(*owned):
    """Marks of pytest, of lists of them and of single ones as `pytestmark = ...` has them."""
    flat = [mark for marks in owned if marks is not None for mark in (marks if isinstance(marks, list) else [marks])]
    return [getattr(mark, "mark", mark) for mark in flat]


def fate_of(marks, names):
    """What pytest's marks say of a test: "skip", the arguments of the `xfail` that holds, or None."""
    for mark in [m for m in marks if m.name in ("skip", "skipif", "xfail")]:
        condition = () if mark.name == "skip" else mark.args[:1] or [c for c in [mark.kwargs.get("condition")] if c is not None]
        holds = all(eval(c, names) if isinstance(c, str) else c for c in condition)
        if mark.name == "skip" or mark.name == "skipif" and holds or mark.name == "xfail" and mark.kwargs.get("run") is False:
            return "skip"
        if mark.name == "xfail" and holds:
            return mark.kwargs
    return None


def parametrized(function, marks, skipped):
    """Keyword arguments and further marks of every call that pytest's parametrize marks ask for; None when others are
    needed. `skipped`: the first parameter is `self`."""
    import inspect

    calls = [({}, [])]
    for mark in marks:
        if mark.name == "parametrize":
            rows = rows_of(*mark.args[:2], **{k: v for k, v in mark.kwargs.items() if k in ("argnames", "argvalues")})
            calls = [({**call, **row}, [*more, *own]) for call, more in calls for row, own in rows]
    mocks = [p for p in getattr(function, "patchings", []) if not p.attribute_name and p.new is __import__("unittest.mock").mock.DEFAULT]
    needed = {
        p.name
        for p in list(inspect.signature(function).parameters.values())[len(mocks) + skipped:]
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }
    return calls if all(needed <= set(call) for call, _ in calls) else None


def rows_of(argnames, argvalues):
    """(arguments, marks) of each row of a parametrize mark."""
    keys = [k.strip() for k in argnames.split(",") if k.strip()] if isinstance(argnames, str) else list(argnames)
    single = isinstance(argnames, str) and len(keys) == 1
    for row in argvalues:
        param = type(row).__name__ == "ParameterSet"
        values = row.values if param else (row,) if single else row
        yield dict(zip(keys, values)), marks_of(list(row.marks)) if param else []


def methods_of(name, cls):
    """Tests of a plain class that pytest would collect, inherited ones included."""
    import unittest

    if not name.startswith("Test") or issubclass(cls, unittest.TestCase):
        return []
    spaces = [vars(c) for c in reversed(cls.__mro__)]
    return {k: v for space in spaces for k, v in space.items() if k.startswith("test") and type(v).__name__ == "function"}.items()


def bound(function, cls, row):
    """One call of a test. A method gets an object of its own, set up and taken down as pytest does."""
    if cls is None:
        return lambda: function(**row)

    def call():
        case = cls()
        hook(case, "setup_method", function)
        try:
            return function(case, **row)
        finally:
            hook(case, "teardown_method", function)

    return call


def hook(case, name, method):
    found = getattr(case, name, None)
    if found is not None:
        found(*[method] * min(found.__code__.co_argcount - 1, 1))


def run_unittest(tally, cls):
    """Runs a unittest case."""
    import io
    import unittest

    if not issubclass(cls, unittest.TestCase):
        return
    suite = unittest.TestLoader().loadTestsFromTestCase(cls)
    result = unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(suite)
    bad = result.failures + result.errors + [(t, "unexpected success") for t in result.unexpectedSuccesses]
    ran = result.testsRun - len(result.skipped)
    tally.skipped += len(result.skipped)
    tally.total += ran
    tally.passed += max(0, ran - len(bad))
    tally.failures += [{"test": str(t)[:200], "message": str(text).strip().split("\n")[-1][:300]} for t, text in bad]
