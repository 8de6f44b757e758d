"""Examples of the prompt."""
import sys

from acr_harness.captured import Captured
from acr_harness.channel import AnswerDied
from acr_harness.prepare import prepare
from acr_harness.remote import is_remote
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
    return not is_remote(a) and a == b


def compiled(example):
    """An expression; a doctest may be a statement, too, that prints."""
    try:
        return compile(example["source"], "<tests>", "eval")
    except SyntaxError:
        if example["form"] != "doctest":
            raise
        return compile(example["source"] + "\n", "<tests>", "exec")


def as_shown(value, printed, shown, example):
    """Whether an example came out as its prompt shows it: what it printed, else its value."""
    want = example["want"]
    if not printed and same(value, want):
        return True
    if example["form"] != "doctest":
        return False
    shown, want = " ".join(shown.split()), " ".join(want.split())
    return elided(shown, want) if "..." in want else bool(printed) and shown == want


def elided(shown, want):
    """`...` stands for anything, as doctest has it."""
    first, *rest = want.split("...")
    if not want.strip(". ") or not shown.startswith(first):
        return False
    at = len(first)
    for piece in rest[:-1]:
        at = shown.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return shown.endswith(rest[-1]) and len(shown) - len(rest[-1]) >= at


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
            code = compiled(example)
        except AnswerDied:
            raise
        except BaseException:
            skipped += 1
            continue
        outer, sys.stdout = sys.stdout, Captured()
        try:
            value = eval(code, names)
            printed = "".join(sys.stdout.parts)
            shown = printed + (repr(value) if value is not None or not printed else "")
            ok = as_shown(value, printed, shown, example) if example.get("raises") is None else False
            got = shown[:200]
        except AnswerDied:
            raise
        except BaseException as e:
            ok = example.get("raises") == type(e).__name__
            got = f"{type(e).__name__}: {e}"[:200]
        finally:
            sys.stdout = outer
        if ok:
            passed += 1
        else:
            failures.append({"source": example["source"][:200], "want": example["want"][:200], "got": got})
    total = passed + len(failures)
    if total == 0:
        return {"status": "empty"}
    return {"status": "passed" if not failures else "failed", "passed": passed, "total": total, "skipped": skipped, "failures": failures[:5]}
