"""The three checks: given tests, examples of the prompt, syntax alone."""
import sys

from acr_harness.channel import AnswerDied
from acr_harness.collected import run_collected
from acr_harness.examples import run_examples
from acr_harness.explain import explain
from acr_harness.prepare import prepare
from acr_harness.scope import AnswerModule, namespace
from acr_harness.surroundings import Surroundings, not_carried


def run_tests(judge, order):
    judge.surroundings = Surroundings(order["tests"])
    failed = prepare(judge, order)
    if failed:
        return failed
    try:
        code = compile(order["tests"], "<tests>", "exec")
    except (SyntaxError, ValueError) as e:
        return {"status": "empty", "message": f"the tests do not parse: {e}"[:500]}
    names = namespace(judge, order)
    for name in ("solution", "answer", "submission"):
        sys.modules[name] = AnswerModule(name, judge)
    before = judge.asked
    try:
        exec(code, names)
        collected = run_collected(names, judge, order, before)
    except AnswerDied:
        raise
    except SystemExit as e:
        collected = {"status": "passed"} if own_exit(e) else {"status": "failed", **explain(e)}
    except ModuleNotFoundError as e:
        if raised_by_tests(e):
            return {"status": "empty", "message": f"the tests do not run: {e}"[:500]}
        collected = {"status": "failed", **explain(e)}
    except BaseException as e:
        collected = {"status": "failed", **explain(e)}
    if collected["status"] == "failed":
        seen = sorted(name for name in judge.blind if name in order["tests"])
        look = f"look into the answer with {seen[0]}" if seen else None
        beyond = None if seen else not_carried(order["tests"])
        use = f"use {beyond}, which does not reach the answer" if beyond else None
        if look or use:
            reason = f"the tests {look or use}, but it runs in a process of its own" if look else f"the tests {use}: it runs in a process of its own"
            return {"status": "empty", "message": f'{reason}: give a command with "isolation": "shared"'}
    if collected["status"] == "passed" and judge.asked == before:
        return {"status": "empty", "message": "the tests checked nothing of the answer"}
    return collected


def raised_by_tests(e):
    """Whether an import of the tests failed, and not one that the answer made when it was called."""
    tb, files = e.__traceback__, []
    while tb is not None:
        files.append(tb.tb_frame.f_code.co_filename)
        tb = tb.tb_next
    return "<tests>" in files and all(f == "<tests>" or "importlib" in f for f in files[files.index("<tests>"):])


def own_exit(e):
    """`unittest.main()` ends with SystemExit(0) in the tests' own frames; one of the answer's does not count."""
    if e.code not in (0, False, None):
        return False
    tb = e.__traceback__
    last = None
    while tb is not None:
        last = tb.tb_frame.f_code.co_filename
        tb = tb.tb_next
    return last is not None and last.endswith("unittest/main.py")


def check_syntax(judge, order):
    reply = judge.ask({"op": "load", "programs": order["programs"], "entry": order["entry"]})
    judge.chosen = reply.get("ok")
    if "ok" in reply:
        return {"status": "passed"}
    return {"status": "failed", "message": str(reply.get("syntax") or reply.get("unfit"))[:500]}


CHECKS = {"tests": run_tests, "examples": run_examples, "syntax": check_syntax}
