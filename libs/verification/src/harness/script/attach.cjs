'use strict';
// For tests that are run by a command.
const { answerModule } = require('./answer-module.cjs');
const { connectJudge } = require('./connect-judge.cjs');

/**
 * Stands for an answer that runs in a sandbox of its own, as `module.exports` of the file that tests require.
 * The host has put numbered sets of pipes below /judge and starts an answer for every set asked for.
 */
function attach() {
  const fs = require('node:fs');
  const take = (number) => {
    try {
      fs.mkdirSync(`/tmp/.judge-${number}`);
      return true;
    } catch {
      return false;
    }
  };
  const set = fs.readdirSync('/judge/sets').find(take);
  if (set === undefined) throw new Error('the answer was required by too many processes');
  fs.writeFileSync('/judge/start', `${set}\n`);
  const judge = connectJudge(`/judge/sets/${set}`, (e) => {
    throw e;
  });
  process.on('exit', (code) => {
    const hidden = judge.assertions.hiddenFailure();
    if (code !== 0 || !hidden) return;
    console.error(`An assertion failed, and the answer caught it: ${hidden.message}`);
    process.exitCode = 1;
  });
  judge.words = new Set(JSON.parse(fs.readFileSync('/judge/words.json', 'utf8')));
  const loaded = judge.ask({ op: 'load' });
  if (!('ok' in loaded)) throw new SyntaxError(String(loaded.syntax ?? loaded.unfit));
  judge.ask({ op: 'run' });
  return answerModule(judge);
}

module.exports = { attach };
