'use strict';
// The judge’s ends of the pipes.
const { AnswerDied } = require('./died.cjs');
const { Judge } = require('./judge.cjs');
const { Incoming, sendTo } = require('./pipes.cjs');
const { Talk } = require('./talk.cjs');

// The tests may put timers of their own in these places.
const later = setTimeout;
const soon = setImmediate;
const LOOK_EVERY_MS = 5;
/** Longest time that an answer with timers keeps tests alive that wait for nothing else, ms. */
const STAY_MS = 3_000;

/**
 * Keeps the tests' process alive while the answer has timers and the like by which it could still call functions of
 * the tests, as it would be if both were one. `stay` is called after each question, `quiet` waits for the end of that.
 */
function stayFor(judge, limitMs) {
  let looking = false;
  let since = 0;
  const look = () => {
    try {
      looking = !judge().isAnswerIdle() && performance.now() - since < limitMs();
    } catch {
      // Whoever asks next is told.
      looking = false;
    }
    if (looking) later(look, LOOK_EVERY_MS);
  };
  const stay = () => {
    since = performance.now();
    if (looking) return;
    looking = true;
    soon(look);
  };
  const quiet = async (ms) => {
    const end = performance.now() + ms;
    while (looking && performance.now() < end) await new Promise((done) => later(done, 1));
    // An error that escaped from the answer in the meantime is thrown first.
    await new Promise((done) => soon(done));
  };
  return { stay, quiet };
}

/** The judge's ends of the two pipes, and a Judge that uses them. `died` is told when the answer's process ends. */
function connectJudge(folder, died) {
  const fs = require('node:fs');
  const write = fs.writeSync;
  const questions = fs.openSync(`${folder}/q`, 'w');
  const incoming = new Incoming(fs, `${folder}/p`);
  const link = {
    print: (text) => process.stdout.write(String(text)),
    expectEvents(change) {
      link.expected += change;
      if (link.expected > 0) socket.ref();
      else socket.unref();
    },
    expected: 0,
    stayMs: STAY_MS,
    ...stayFor(
      () => judge,
      () => link.stayMs,
    ),
    escaped: (e) =>
      void soon(() => {
        throw e;
      }),
  };
  const judge = new Judge(link);
  judge.talk = new Talk(
    judge,
    (m) => sendTo(write, questions, m),
    () => incoming.next(),
  );
  const receive = (message) => {
    try {
      judge.talk.receive(message);
    } catch (e) {
      died(e);
    }
  };
  const socket = incoming.listen(require('node:net'), receive, () => {
    if (link.expected > 0) died(new AnswerDied("the answer's process ended"));
  });
  socket.unref();
  return judge;
}

module.exports = { connectJudge };
