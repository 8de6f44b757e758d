'use strict';
// The start of the answer’s process.
const { Candidate } = require('./candidate.cjs');
const { Incoming, sendTo } = require('./pipes.cjs');
const { Talk } = require('./talk.cjs');

function candidateMain(folder, order) {
  const fs = require('node:fs');
  const vm = require('node:vm');
  const write = fs.writeSync;
  const incoming = new Incoming(fs, `${folder}/q`);
  const replies = fs.openSync(`${folder}/p`, 'w');
  const module_ = { exports: {} };
  const active = process.getActiveResourcesInfo.bind(process);
  const link = {
    vm,
    evaluate: (code) => vm.runInThisContext(code, { filename: 'answer.js' }),
    exports: () => module_.exports,
    // The pipes are always open.
    isIdle: () => active().every((kind) => /^(Pipe|TTY)/.test(kind)),
    /** Not earlier: `node -e` puts its own values back when its script ends. */
    prepare() {
      globalThis.require = require('node:module').createRequire('/box/answer.js');
      globalThis.module = module_;
      globalThis.exports = module_.exports;
    },
  };
  const side = new Candidate(link);
  side.order = order;
  side.talk = new Talk(
    side,
    (m) => sendTo(write, replies, m),
    () => incoming.next(),
  );
  const print = (text, encoding, done) => {
    side.print(Buffer.isBuffer(text) ? text.toString() : text);
    (typeof encoding === 'function' ? encoding : done)?.();
    return true;
  };
  process.stdout.write = print;
  process.stderr.write = print;
  process.argv = [process.argv[0], 'answer.js'];
  process.on('unhandledRejection', (e) => side.escaped(e, true));
  process.on('uncaughtException', (e) => side.escaped(e, false));
  const gone = () => process.exit(0);
  incoming.listen(require('node:net'), (m) => side.talk.receive(m), gone);
}

module.exports = { candidateMain };
