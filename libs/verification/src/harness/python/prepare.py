"""Loads and runs the answer before a check."""
from acr_harness.channel import AnswerDied
from acr_harness.explain import explain


def prepare(judge, order):
    """Loads and runs the answer. Returns a verdict when that already fails, else None."""
    reply = judge.ask({"op": "load", "programs": order["programs"], "entry": order["entry"]})
    if "ok" not in reply:
        return {"status": "syntax" if "syntax" in reply else "unfit", "message": str(reply.get("syntax") or reply.get("unfit"))[:500]}
    judge.chosen = reply["ok"]
    try:
        judge.ask({"op": "run"})
    except AnswerDied:
        raise
    except BaseException as e:
        return {"status": "crashed", **explain(e)}
    return None
