"""Examples of the prompt."""
from acr_harness.channel import AnswerDied
from acr_harness.prepare import prepare
from acr_harness.remote import Remote
from acr_harness.scope import namespace


def same(value, want):
    """Whether a result is what an example shows: as a value, as its repr, as bare text, floats nearly."""
    import math

    try:
        if repr(value) == want or (isinstance(value, str) and value == want):
            return True
    except BaseException:
        return False
    try:
        wanted = eval(want, {"__builtins__": {}, "true": True, "false": False, "null": None})
    except BaseException:
        return False
    if close(value, wanted, math):
        return True
    # Prose writes a tuple of one as ("x").
    return want.startswith("(") and isinstance(value, tuple) and len(value) == 1 and close(value[0], wanted, math)


def close(a, b, math):
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(close(x, y, math) for x, y in zip(a, b))
    if isinstance(a, float) or isinstance(b, float):
        number = (int, float)
        return isinstance(a, number) and isinstance(b, number) and math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)
    return type(a) is not Remote and a == b


def run_examples(judge, order):
    failed = prepare(judge, order)
    if failed:
        return failed
    names = namespace(judge, order)
    passed, failures, skipped = 0, [], 0
    for example in order["examples"]:
        try:
            for line in example["setup"]:
                exec(compile(line, "<tests>", "exec"), names)
            code = compile(example["source"], "<tests>", "eval")
        except AnswerDied:
            raise
        except BaseException:
            skipped += 1
            continue
        try:
            value = eval(code, names)
            ok = same(value, example["want"]) if example.get("raises") is None else False
            got = repr(value)[:200]
        except AnswerDied:
            raise
        except BaseException as e:
            ok = example.get("raises") == type(e).__name__
            got = f"{type(e).__name__}: {e}"[:200]
        if ok:
            passed += 1
        else:
            failures.append({"source": example["source"][:200], "want": example["want"][:200], "got": got})
    total = passed + len(failures)
    if total == 0:
        return {"status": "empty"}
    return {"status": "passed" if not failures else "failed", "passed": passed, "total": total, "skipped": skipped, "failures": failures[:5]}
