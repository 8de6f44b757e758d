#!/usr/bin/env node
// Makes examples/tasks/*.jsonl (task files, as any user would write them) and examples/answers.jsonl (right and
// wrong programs, for the simulated pool and the tests) from the readable sources in examples/sources/*.yaml.
//
//   node scripts/build-examples.mjs [--check]     --check: change nothing, fail when something is out of date
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const examples = join(dirname(fileURLToPath(import.meta.url)), '..', 'examples');
const sources = join(examples, 'sources');

/** JavaScript tests compare JSON, and need no module, so that they run in any engine. */
const SAME = `function same(got, want) {
  if (JSON.stringify(got) !== JSON.stringify(want)) {
    throw new Error('got ' + JSON.stringify(got) + ', want ' + JSON.stringify(want));
  }
}
`;
const RUNNER = {
  python: {
    command: 'python3 check.py',
    checker: 'check-tests.py',
    ending: 'py',
    answerFile: 'test_answer.py',
  },
  javascript: {
    command: 'node check.js',
    checker: 'check-tests.js',
    ending: 'js',
    answerFile: 'answer.test.js',
  },
};

/**
 * A test program that loads the answer from its file. JavaScript answers export nothing: they are read as text and
 * the names in `exports` are taken out of them.
 */
const SCRIPT = {
  python: ({ script }) => ({
    command: 'python3 test.py',
    answerFile: 'answer.py',
    isolation: 'shared',
    files: { 'test.py': script },
  }),
  javascript: ({ script, exports }) => {
    const load = `const answer = require('node:fs').readFileSync('answer.js', 'utf8');
const { ${exports} } = new Function(answer + '\\nreturn { ${exports} };')();
`;
    return {
      command: 'node test.js',
      answerFile: 'answer.js',
      isolation: 'shared',
      files: { 'test.js': SAME + load + script },
    };
  },
};

/** Applies an edit [from, to] or {from, to} to `text`; `from` must occur exactly once. */
function edited(text, edit, where) {
  const [from, to] = Array.isArray(edit) ? edit : [edit.from, edit.to];
  const parts = text.split(from);
  if (parts.length !== 2) throw new Error(`${where}: "${from}" occurs ${parts.length - 1} times, not once`);
  return parts.join(to);
}

function verification(task) {
  if (task.tests) return { tests: (task.language === 'javascript' ? SAME : '') + task.tests };
  if (task.script) return SCRIPT[task.language](task);
  if (!task.subject) return undefined;
  const { command, checker, ending, answerFile } = RUNNER[task.language];
  const files = {
    [`check.${ending}`]: readFileSync(join(sources, checker), 'utf8'),
    [`subject.${ending}`]: task.subject,
  };
  task.mutants.forEach((edit, i) => {
    files[`mutants/${i + 1}.${ending}`] = edited(task.subject, edit, `${task.id}, mutant ${i + 1}`);
  });
  return { command, answerFile, files, timeoutMs: 30000 };
}

const outputs = new Map();
const answers = [];
for (const file of readdirSync(sources)
  .filter((f) => f.endsWith('.yaml'))
  .sort()) {
  const dimension = basename(file, '.yaml');
  const lines = parse(readFileSync(join(sources, file), 'utf8')).map((task) => {
    const wrong = task.wrong.map((w, i) =>
      typeof w === 'string' ? w : edited(task.correct, w, `${task.id}, wrong ${i + 1}`),
    );
    answers.push(JSON.stringify({ id: task.id, correct: task.correct, wrong }));
    const { id, prompt, language } = task;
    return JSON.stringify({
      id,
      prompt: prompt.trimEnd(),
      language,
      dimension,
      verification: verification(task),
    });
  });
  outputs.set(join(examples, 'tasks', `${dimension}.jsonl`), `${lines.join('\n')}\n`);
}
outputs.set(join(examples, 'answers.jsonl'), `${answers.join('\n')}\n`);

const stale = [...outputs].filter(([file, text]) => !existsSync(file) || readFileSync(file, 'utf8') !== text);
if (process.argv.includes('--check') && stale.length > 0) {
  console.error(
    `Out of date: ${stale.map(([file]) => basename(file)).join(', ')}. Run: node scripts/build-examples.mjs`,
  );
  process.exit(1);
}
for (const [file, text] of stale) writeFileSync(file, text);
console.log(`${answers.length} example tasks${stale.length > 0 ? `, ${stale.length} files written` : ''}`);
