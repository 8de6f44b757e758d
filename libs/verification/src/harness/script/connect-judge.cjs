'use strict';
// The judge’s ends of the pipes.
const { AnswerDied } = require('./died.cjs');
const { Judge } = require('./judge.cjs');
const { Incoming, sendTo } = require('./pipes.cjs');
const { Talk } = require('./talk.cjs');

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
