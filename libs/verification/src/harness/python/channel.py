"""How judge and candidate speak: length-prefixed JSON, with a time limit on every wait.

The whole harness: it runs tests against an answer without letting the answer near the tests. Two processes. The
judge holds tests and token; it forks the candidate before reading either, so the candidate never has them in
memory. The candidate executes the answer and serves calls; values cross as plain data, so a result cannot carry
its own idea of equality. Only the judge can reach stdout, and only a report that begins with the run's token counts.

Every thread that asks has a thread of its own on the other side: a conversation, in which both speak in turn. So locks,
queues and thread locals mean what they would in one process. A message is [conversation, whether its sender has
further threads, what is said or null at the end of the asking thread].
"""
import _thread
import json
import os
import select
import time

# Tests may patch these, in both processes.
_dumps, _loads, _write, _read, _select, _monotonic = json.dumps, json.loads, os.write, os.read, select.select, time.monotonic

MAX_MESSAGE = 64 * 1024 * 1024
MAX_CONVERSATIONS = 512


class AnswerDied(BaseException):
    """The candidate process ended, broke the protocol, or did not answer in time."""


class Ending:
    """Tells the other side that a thread is over, when the thread's own variables go."""

    def __init__(self, channel, number):
        self.channel = channel
        self.number = number

    def __del__(self):
        try:
            self.channel.boxes.pop(self.number, None)
            self.channel.send(self.number, None)
        except BaseException:
            pass


class Channel:
    """Conversations over a pair of descriptors (two ends of pipes, or one socket).

    `handle` replies to what the other side asks; it must be set before anything is received. While a side has one
    thread, that reads for itself; with more, one thread reads for all.
    """

    def __init__(self, reads, writes, first=0):
        self.reads = reads
        self.writes = writes
        self.deadline = None
        self.handle = None
        self.own = _thread._local()
        self.sending = _thread.allocate_lock()
        # What has arrived per conversation, and a lock that is free when something has.
        self.boxes = {}
        # The next number: each side counts in steps of two, so they never meet.
        self.number = first
        self.reader = False
        self.broken = None

    def send(self, number, message):
        data = _dumps([number, _thread._count() > 0, message]).encode()
        view = memoryview(len(data).to_bytes(8, "big") + data)
        with self.sending:
            try:
                while view:
                    view = view[_write(self.writes, view) :]
            except OSError:
                raise AnswerDied("the answer's process ended")

    def left(self):
        return -1 if self.deadline is None else max(0, self.deadline - _monotonic())

    def _read(self, size):
        parts = []
        while size:
            if self.deadline is not None and not _select([self.reads], [], [], self.left())[0]:
                raise AnswerDied("timed out")
            try:
                part = _read(self.reads, min(size, 1 << 20))
            except OSError:
                part = b""
            if not part:
                raise AnswerDied("the answer's process ended")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _next(self):
        size = int.from_bytes(self._read(8), "big")
        if size > MAX_MESSAGE:
            raise AnswerDied("the answer's result is too large")
        try:
            number, threads, message = _loads(self._read(size))
        except (ValueError, TypeError, RecursionError):
            raise AnswerDied("the answer's process broke the protocol")
        if type(number) is not int or not (message is None or type(message) is dict):
            raise AnswerDied("the answer's process broke the protocol")
        if threads:
            self._read_for_all()
        return number, message

    def _read_for_all(self):
        with self.sending:
            started, self.reader = self.reader, True
        if not started:
            _thread.start_new_thread(self._reading, ())

    def _reading(self):
        try:
            while True:
                self._deliver(*self._next())
        except BaseException as e:
            self._break(str(e))

    def _break(self, reason):
        self.broken = self.broken or reason
        for _, arrived in list(self.boxes.values()):
            if arrived.locked():
                arrived.release()

    def _box(self, number):
        if len(self.boxes) > MAX_CONVERSATIONS:
            raise AnswerDied("the answer uses too many threads")
        arrived = _thread.allocate_lock()
        arrived.acquire()
        self.boxes[number] = [], arrived

    def _deliver(self, number, message):
        box = self.boxes.get(number)
        if box is not None:
            messages, arrived = box
            if messages:
                raise AnswerDied("the answer's process broke the protocol")
            messages.append(message)
            arrived.release()
        elif message is not None:
            self._box(number)
            _thread.start_new_thread(self._host, (number, message))

    def _host(self, number, message):
        """One thread of the other side asks; this is its like here, until that one ends."""
        self.own.number = number
        try:
            while message is not None:
                self.send(number, self.handle(message))
                message = self.receive(number)
        except AnswerDied as e:
            self._break(str(e))
        finally:
            self.boxes.pop(number, None)

    def receive(self, number):
        if not self.reader and _thread._count() == 0:
            to, message = self._next()
            if to == number:
                return message
            self._deliver(to, message)
        self._read_for_all()
        messages, arrived = self.boxes[number]
        if not (self.broken or arrived.acquire(timeout=self.left())):
            raise AnswerDied("timed out")
        if not messages:
            raise AnswerDied(self.broken or "the answer's process ended")
        return messages.pop()

    def serve(self):
        """Replies to the first thread of the other side, for ever."""
        self.own.number = 0
        self._box(0)
        while True:
            self.send(0, self.handle(self.receive(0)))

    def converse(self, message, asks):
        """The reply to a message; handles what the other side asks before it replies."""
        number = getattr(self.own, "number", None)
        if number is None:
            with self.sending:
                number = self.own.number = self.number
                self.number += 2
            self._box(number)
            if number:
                self.own.ending = Ending(self, number)
        if self.broken:
            raise AnswerDied(self.broken)
        self.send(number, message)
        reply = self.receive(number)
        while reply is not None and asks(reply):
            self.send(number, self.handle(reply))
            reply = self.receive(number)
        if reply is None:
            raise AnswerDied("the answer's process broke the protocol")
        return reply
