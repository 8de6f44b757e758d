'use strict';
// The start of the answer’s process.
const { Candidate } = require('./candidate.cjs');
const { listen, readFrom, sendTo } = require('./pipes.cjs');

function candidateMain(folder, order) {
  const fs = require('node:fs');
  const net = require('node:net');
  const vm = require('node:vm');
  const open = (name, flag) => fs.openSync(`${folder}/${name}`, flag);
  const [calls, replies, events, answers] = [open('q', 'r'), open('p', 'w'), open('e', 'w'), open('c', 'r')];
  let serving = 0;
  const module_ = { exports: {} };
  const link = {
    vm,
    evaluate: (code) => vm.runInThisContext(code, { filename: 'answer.js' }),
    exports: () => module_.exports,
    /** Not earlier: `node -e` puts its own values back when its script ends. */
    prepare() {
      globalThis.require = require('node:module').createRequire('/box/answer.js');
      globalThis.module = module_;
      globalThis.exports = module_.exports;
    },
    ask(message) {
      sendTo(fs, serving > 0 ? replies : events, message);
      return readFrom(fs, answers);
    },
    tell: (message) => sendTo(fs, events, message),
  };
  const side = new Candidate(link);
  side.order = order;
  const write = (text, encoding, done) => {
    side.print(Buffer.isBuffer(text) ? text.toString() : text);
    (typeof encoding === 'function' ? encoding : done)?.();
    return true;
  };
  process.stdout.write = write;
  process.stderr.write = write;
  process.argv = [process.argv[0], 'answer.js'];
  process.on('unhandledRejection', (e) => side.print(`unhandled rejection: ${String(e)}\n`));
  process.on('uncaughtException', (e) => side.print(`uncaught: ${String(e)}\n`));
  listen(
    net,
    calls,
    (body) => {
      serving++;
      const reply = side.handle(JSON.parse(body.toString()));
      serving--;
      sendTo(fs, replies, reply);
    },
    () => process.exit(0),
  );
}

module.exports = { candidateMain };
