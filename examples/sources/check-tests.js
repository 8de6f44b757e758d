// The same as check-tests.py for JavaScript: runs answer.test.js against subject.js and every mutant in mutants/.
const { spawnSync } = require('node:child_process');
const { randomBytes } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const RUN = `
const token = process.argv.pop();
let failed = 0;
let count = 0;
try {
  for (const [name, test] of Object.entries(require('./answer.test.js'))) {
    if (typeof test !== 'function') continue;
    count++;
    try {
      test();
    } catch (error) {
      console.log(name + ': ' + error);
      failed++;
    }
  }
} catch (error) {
  console.log(String(error));
  failed++;
}
console.log('\\n' + token + ' ' + (failed ? 'failed' : count ? 'passed' : 'empty'));
`;

function outcome(implementation) {
  const token = randomBytes(8).toString('hex');
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'check-'));
  try {
    fs.copyFileSync(implementation, path.join(folder, 'subject.js'));
    fs.copyFileSync('answer.test.js', path.join(folder, 'answer.test.js'));
    fs.writeFileSync(path.join(folder, 'run.js'), RUN);
    const done = spawnSync(process.execPath, ['run.js', token], { cwd: folder, encoding: 'utf8', timeout: 20000 });
    process.stdout.write((done.stdout ?? '').slice(-2000) + (done.stderr ?? '').slice(-2000));
    const last = (done.stdout ?? '').trim().split('\n').pop();
    return last.startsWith(`${token} `) ? last.split(' ')[1] : 'no report';
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

function fail(reason) {
  console.error(reason);
  process.exit(1);
}

const right = outcome('subject.js');
if (right !== 'passed') fail(`the tests do not pass on the right implementation: ${right}`);
for (const mutant of fs.readdirSync('mutants').sort()) {
  const found = outcome(path.join('mutants', mutant));
  if (found !== 'failed') fail(`${mutant} is wrong, and the tests do not notice it: ${found}`);
}
console.log('the tests tell right from wrong');
