"""The three checks: given tests, examples of the prompt, syntax alone."""
import sys

from acr_harness.channel import AnswerDied
from acr_harness.collected import ALL_SKIPPED, run_collected
from acr_harness.examples import run_examples
from acr_harness.explain import explain
from acr_harness.prepare import prepare
from acr_harness.scope import AnswerModule, namespace
from acr_harness.surroundings import Surroundings, not_carried

APART = 'runs in a process of its own: give a command with "isolation": "shared"'


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
        if judge.stuck:
            return {"status": "empty", "message": f"the tests await several coroutines of the answer at once, but it {APART}"}
        raise
    except SystemExit as e:
        collected = own_exit(e) or {"status": "failed", **explain(e)}
    except ModuleNotFoundError as e:
        if raised_by_tests(e):
            return {"status": "empty", "message": f"the tests do not run: {e}"[:500]}
        collected = {"status": "failed", **explain(e)}
    except BaseException as e:
        collected = {"status": "failed", **explain(e)}
    if collected["status"] == "failed":
        seen = sorted(name for name in judge.blind if name in order["tests"])
        beyond = None if seen else not_carried(order["tests"])
        if seen:
            return {"status": "empty", "message": f"the tests look into the answer with {seen[0].strip()}, but it {APART}"}
        if beyond:
            return {"status": "empty", "message": f"the tests use {beyond}, which does not reach the answer: it {APART}"}
    if collected["status"] == "passed" and "doctest.testmod" in order["tests"]:
        return {"status": "empty", "message": "doctest.testmod finds no examples here: give a command"}
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
    """What follows from the tests' own end with success, as `unittest.main()` and `sys.exit(0)` make it. None for an exit
    with another code, and for one that the answer made, be it caught and passed on."""
    if e.code not in (0, False, None):
        return None
    error, tb = e, e.__traceback__
    while error is not None:
        if isinstance(error, SystemExit) and "_acr_remote" in error.__dict__:
            return None
        error = error.__context__
    while tb.tb_next is not None:
        tb = tb.tb_next
    if tb.tb_frame.f_code.co_filename.endswith("unittest/main.py"):
        result = tb.tb_frame.f_locals["self"].result
        if 0 < result.testsRun <= len(result.skipped):
            return {"status": "empty", "message": ALL_SKIPPED}
    return {"status": "passed"}


def check_syntax(judge, order):
    reply = judge.ask({"op": "load", "programs": order["programs"], "entry": order["entry"]})
    judge.chosen = reply.get("ok")
    if "ok" in reply:
        return {"status": "passed"}
    return {"status": "failed", "message": str(reply.get("syntax") or reply.get("unfit"))[:500]}


CHECKS = {"tests": run_tests, "examples": run_examples, "syntax": check_syntax}
