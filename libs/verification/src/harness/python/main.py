"""The judge: starts a candidate per check, reads its order, checks, reports."""
import json
import os
import sys
import time

from acr_harness.candidate_main import attached_candidate, candidate_main
from acr_harness.captured import Captured
from acr_harness.channel import AnswerDied, Channel
from acr_harness.checks import CHECKS
from acr_harness.judge import Judge


def start(deadline):
    """Forks a candidate that knows nothing yet."""
    calls, replies = os.pipe(), os.pipe()
    if os.fork() == 0:
        candidate_main(Channel(calls[0], replies[1], 1))
    os.close(calls[0])
    os.close(replies[1])
    channel = Channel(replies[0], calls[1])
    channel.deadline = deadline
    # A process that the tests fork off cannot speak in the same pipe.
    os.register_at_fork(after_in_child=lambda: setattr(channel, "broken", "the tests asked from another process"))
    return Judge(channel)


def main():
    sys.path[:] = [p for p in sys.path if p]
    sys.path.append(f"{sys.prefix}/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages")
    started = time.monotonic()
    if sys.argv[1] == "candidate":
        return attached_candidate()
    kinds = sys.argv[1].split(",")
    sys.argv = ["tests.py"]
    judges = {kind: start(None) for kind in kinds}
    order = json.loads(sys.stdin.buffer.read())
    report, out = {"checks": {}}, sys.stdout
    out.write(f"\n{order['token']}begin\n")
    out.flush()
    sys.stdout = captured = Captured()
    for kind in kinds:
        judge = judges[kind]
        judge.channel.deadline = started + order["seconds"][kind]
        began = time.monotonic()
        try:
            result = CHECKS[kind](judge, order)
        except AnswerDied as e:
            result = {"status": "timed-out" if str(e) == "timed out" else "died", "message": str(e)}
        result["ms"] = round((time.monotonic() - began) * 1000, 1)
        report["checks"][kind] = result
        report.setdefault("chosen", None)
        if getattr(judge, "chosen", None) is not None:
            report["chosen"] = judge.chosen
    report["printed"] = "".join(captured.parts)[:2000]
    out.write(f"\n{order['token']}{json.dumps(report)}\n")
    out.flush()
    os._exit(0)
