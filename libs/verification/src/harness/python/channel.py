"""How judge and candidate speak: length-prefixed JSON, with a time limit on every wait.

The whole harness: it runs tests against an answer without letting the answer near the tests. Two processes. The
judge holds tests and token; it forks the candidate before reading either, so the candidate never has them in
memory. The candidate executes the answer and serves calls; values cross as plain data, so a result cannot carry
its own idea of equality. Only the judge can reach stdout, and only a report that begins with the run's token counts.
"""
import json
import os
import select
import time

MAX_MESSAGE = 64 * 1024 * 1024


class AnswerDied(BaseException):
    """The candidate process ended, broke the protocol, or did not answer in time."""


class Channel:
    """Length-prefixed JSON over a pair of descriptors (two ends of pipes, or one socket)."""

    def __init__(self, reads, writes):
        self.reads = reads
        self.writes = writes
        self.deadline = None

    def send(self, message):
        data = json.dumps(message).encode()
        view = memoryview(len(data).to_bytes(8, "big") + data)
        try:
            while view:
                view = view[os.write(self.writes, view) :]
        except OSError:
            raise AnswerDied("the answer's process ended")

    def _read(self, size):
        parts = []
        while size:
            if self.deadline is not None:
                left = self.deadline - time.monotonic()
                if left <= 0 or not select.select([self.reads], [], [], left)[0]:
                    raise AnswerDied("timed out")
            try:
                part = os.read(self.reads, min(size, 1 << 20))
            except OSError:
                part = b""
            if not part:
                raise AnswerDied("the answer's process ended")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def receive(self):
        size = int.from_bytes(self._read(8), "big")
        if size > MAX_MESSAGE:
            raise AnswerDied("the answer's result is too large")
        try:
            return json.loads(self._read(size))
        except (ValueError, RecursionError):
            raise AnswerDied("the answer's process broke the protocol")
