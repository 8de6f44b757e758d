"""Tests that are defined and not called: test functions and classes, `check(candidate)`."""
from acr_harness.channel import AnswerDied
from acr_harness.explain import explain


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
    cases = []
    for name, function in functions:
        calls = parametrized(function)
        if calls is None:
            return {"status": "empty", "message": f"{name} needs fixtures: give a command that runs pytest"}
        cases += [(name, function, args) for args in calls]
    passed, failures, total = run_classes(classes)
    for name, function, kwargs in cases:
        total += 1
        try:
            result = function(**kwargs)
            if type(result).__name__ == "coroutine":
                __import__("asyncio").run(result)
            passed += 1
        except AnswerDied:
            raise
        except BaseException as e:
            if type(e).__name__ == "Skipped":
                total -= 1
                continue
            failures.append({"test": name, **explain(e)})
    if total == 0:
        return {"status": "passed"}
    status = "failed" if failures else "passed"
    return {"status": status, "passed": passed, "total": total, "failures": failures[:5]}


def is_own_function(f):
    # Decorators such as mock.patch stand before it.
    while type(f).__name__ == "function" and hasattr(f, "__wrapped__"):
        f = f.__wrapped__
    return type(f).__name__ == "function" and f.__code__.co_filename == "<tests>"


def only_function(judge):
    names = [str(n) for n in judge.ask({"op": "names"})["ok"] if not str(n).startswith("_")]
    found = [v for v in (judge.lookup(n) for n in names) if callable(v) and not isinstance(v, type)]
    return found[0] if len(found) == 1 else None


def parametrized(function):
    """Keyword arguments of every call that pytest's parametrize marks ask for; None when others are needed."""
    import inspect

    calls = [{}]
    for mark in getattr(function, "pytestmark", []):
        if mark.name != "parametrize":
            continue
        keys = mark.args[0]
        keys = [k.strip() for k in keys.split(",")] if isinstance(keys, str) else list(keys)
        rows = [getattr(row, "values", row) if type(row).__name__ == "ParameterSet" else row for row in mark.args[1]]
        rows = [row if len(keys) > 1 or type(row) is tuple and len(row) == 1 and type(row).__name__ == "ParameterSet" else (row,) for row in rows]
        calls = [{**call, **dict(zip(keys, row))} for call in calls for row in rows]
    mocks = [p for p in getattr(function, "patchings", []) if not p.attribute_name and p.new is __import__("unittest.mock").mock.DEFAULT]
    needed = {
        p.name
        for p in list(inspect.signature(function).parameters.values())[len(mocks):]
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
    }
    return calls if all(needed <= set(call) for call in calls) else None


def run_classes(classes):
    """Runs unittest cases and plain Test classes. Returns (passed, failures, total)."""
    import io
    import unittest

    passed, failures, total = 0, [], 0
    for name, cls in classes:
        if issubclass(cls, unittest.TestCase):
            suite = unittest.TestLoader().loadTestsFromTestCase(cls)
            result = unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(suite)
            bad = result.failures + result.errors + [(t, "unexpected success") for t in result.unexpectedSuccesses]
            ran = result.testsRun - len(result.skipped)
            total += ran
            passed += max(0, ran - len(bad))
            failures += [{"test": str(t)[:200], "message": str(text).strip().split("\n")[-1][:300]} for t, text in bad]
        elif name.startswith("Test"):
            for key in [k for k in vars(cls) if k.startswith("test")]:
                total += 1
                try:
                    case = cls()
                    if hasattr(case, "setup_method"):
                        case.setup_method()
                    getattr(case, key)()
                    passed += 1
                except AnswerDied:
                    raise
                except BaseException as e:
                    failures.append({"test": f"{name}.{key}", **explain(e)})
    return passed, failures, total
