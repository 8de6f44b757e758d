'use strict';
// The judge’s ends of the pipes.
const { Judge } = require('./judge.cjs');
const { listen, readFrom, sendTo } = require('./pipes.cjs');
const { AnswerDied } = require('./values.cjs');

/** The judge's ends of the four pipes, and a Judge that uses them. `died` is told when the answer's process ends. */
function connectJudge(folder, died) {
  const fs = require('node:fs');
  const net = require('node:net');
  const open = (name, flag) => fs.openSync(`${folder}/${name}`, flag);
  const [calls, replies, events, answers] = [open('q', 'w'), open('p', 'r'), open('e', 'r'), open('c', 'w')];
  const link = {
    print: (text) => process.stdout.write(String(text)),
    ask(message, serve) {
      sendTo(fs, calls, message);
      for (;;) {
        const m = readFrom(fs, replies);
        if (m === null || typeof m !== 'object') throw new AnswerDied('the answer broke the protocol');
        if (!('cb' in m)) return m;
        sendTo(fs, answers, serve(m));
      }
    },
    answer: (message) => sendTo(fs, answers, message),
    expectEvents(change) {
      link.expected += change;
      if (link.expected > 0) socket.ref();
      else socket.unref();
    },
    expected: 0,
  };
  const judge = new Judge(link);
  const receive = (body) => {
    try {
      judge.event(JSON.parse(body.toString()));
    } catch (e) {
      died(e);
    }
  };
  const socket = listen(net, events, receive, () => {
    if (link.expected > 0) died(new AnswerDied("the answer's process ended"));
  });
  socket.unref();
  return judge;
}

module.exports = { connectJudge };
