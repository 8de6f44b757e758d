import { describe, expect, test } from '@jest/globals';
import { estimateTokens } from '@acrouter/models/prompt';
import fc from 'fast-check';
import { groupFiles, neighboursOf, orderGroups } from './grouping';
import { readImports } from './imports';
import { mergeGreen } from './merge';
import { buildPrompt } from './prompt';

const graphOf = (files: Record<string, string>) => readImports(new Map(Object.entries(files)));

describe('imports', () => {
  test('TypeScript and JavaScript: endings, index files, .js for .ts, require and export from', () => {
    const graph = graphOf({
      'src/a.ts': "import { b } from './b.js';\nexport * from './lib';\nimport x from 'node:fs';",
      'src/b.ts': "const c = require('../c');\nawait import('./missing')",
      'src/lib/index.ts': '',
      'c.cjs': '',
    });
    expect(graph.uses.get('src/a.ts')).toEqual(['src/b.ts', 'src/lib/index.ts']);
    expect(graph.uses.get('src/b.ts')).toEqual(['c.cjs']);
    expect(graph.usedBy.get('c.cjs')).toEqual(['src/b.ts']);
  });

  test('Python: packages, relative and absolute modules, and the C family', () => {
    const graph = graphOf({
      'app/pkg/a.py': 'from . import b\nfrom ..core import x\nimport app.core, os\n',
      'app/pkg/b.py': '',
      'app/core.py': 'import tool\n',
      'app/tool/__init__.py': '',
      'c/main.c': '#include "util/x.h"\n#include <stdio.h>\n',
      'c/util/x.h': '',
    });
    expect(graph.uses.get('app/pkg/a.py')).toEqual(['app/pkg/b.py', 'app/core.py']);
    expect(graph.uses.get('app/core.py')).toEqual(['app/tool/__init__.py']);
    expect(graph.uses.get('c/main.c')).toEqual(['c/util/x.h']);
  });
});

describe('groups', () => {
  const graph = graphOf({
    'a.js': "import './b.js'",
    'b.js': "import './c.js'",
    'c.js': "import './a.js'",
    'd.js': "import './c.js'",
    'e.js': '',
  });
  const all = ['a.js', 'b.js', 'c.js', 'd.js', 'e.js'];

  test('of one by default, of neighbours otherwise', () => {
    expect(groupFiles(all, graph, 1)).toEqual(all.map((p) => [p]));
    expect(groupFiles(all, graph, 3)).toEqual([['a.js', 'b.js', 'c.js'], ['d.js'], ['e.js']]);
  });

  test('what others build on comes first, cycles included', () => {
    const order = orderGroups(groupFiles(all, graph, 1), graph).flat();
    expect(order).toEqual(['c.js', 'b.js', 'a.js', 'd.js', 'e.js']);
  });

  test('a chain of 20,000 files needs no deep stack', () => {
    const name = (n: number) => `f${String(n).padStart(5, '0')}.js`;
    const files = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, n) => [name(n), `import './${name(n + 1)}'`]),
    );
    const chain = graphOf(files);
    expect(orderGroups(groupFiles(Object.keys(files), chain, 1), chain)[0]).toEqual([name(19_999)]);
  });
});

describe('prompt', () => {
  const texts = new Map([
    ['a.js', "import './b.js'\nconst a = 1;\n"],
    ['b.js', "import './c.js'\nB\n"],
    ['c.js', `${'C'.repeat(3_000)}\n`],
    ['z.js', 'unrelated\n'],
  ]);
  const prompt = (maxTokens: number) =>
    buildPrompt({
      instruction: 'DO IT',
      paths: ['a.js'],
      texts,
      graph: readImports(texts),
      verify: 'node test.js',
      maxTokens,
    });

  test('holds the file, the instruction, the command and what belongs to it, within the limit', () => {
    const small = prompt(800) as string;
    expect(estimateTokens(small)).toBeLessThanOrEqual(800);
    for (const part of ['DO IT', 'const a = 1;', 'node test.js', "import './c.js'\nB\n"])
      expect(small).toContain(part);
    expect(small).not.toContain('CCC');
    expect(prompt(5_000)).not.toContain('unrelated');
    expect(prompt(100)).toBeNull();
  });

  test('holds what the file imports and what imports it, and nothing further away', () => {
    const name = (n: number) => `src/${'abcdefgh'[n]}.js`;
    const eight = Array.from(
      { length: 8 },
      (_, n) => [name(n), `module.exports = 'text of ${n}';\n`] as const,
    );
    const all = `${eight.map((_, n) => `require('../${name(n)}');`).join('\n')}\n// every one\n`;
    const repository = new Map<string, string>([...eight, ['test/all.test.js', all]]);
    const source = { instruction: 'x', verify: 'true', maxTokens: 16_000, graph: readImports(repository) };
    const lone = buildPrompt({ ...source, paths: ['src/a.js'], texts: repository });
    expect(lone).toContain('// every one');
    for (let n = 1; n < 8; n++) expect(lone).not.toContain(`text of ${n}`);
    const top = buildPrompt({ ...source, paths: ['test/all.test.js'], texts: repository });
    for (let n = 0; n < 8; n++) expect(top).toContain(`text of ${n}`);
    expect(prompt(5_000)).not.toContain('CCC');
  });

  test('a file with fences stands in a longer fence', () => {
    const source = { instruction: 'x', paths: ['a.md'], verify: 'true', maxTokens: 2_000 };
    const own = new Map([['a.md', '````js\n1\n````\n']]);
    expect(buildPrompt({ ...source, texts: own, graph: readImports(own) })).toContain('a.md\n`````\n````js');
  });
});

describe('merge', () => {
  test('keeps exactly what is green together, whichever are bad, and finds one offender in few checks', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(63)), fc.boolean(), async (bad, oneByOne) => {
        let checks = 0;
        const items = Array.from({ length: 64 }, (_, n) => n);
        const check = (changes: readonly number[]) => {
          checks++;
          const culprit = changes.find((n) => bad.includes(n));
          return Promise.resolve(culprit === undefined ? null : `red with ${culprit}`);
        };
        const { accepted, offenders } = await mergeGreen([], items, check, oneByOne);
        expect(accepted).toEqual(items.filter((n) => !bad.includes(n)));
        expect(offenders.map((o) => [o.item, o.reason])).toEqual(
          [...bad].sort((a, b) => a - b).map((n) => [n, `red with ${n}`]),
        );
        if (bad.length === 1 && !oneByOne) expect(checks).toBeLessThanOrEqual(13);
      }),
    );
  });

  test('of two that only clash together the later one is set aside', async () => {
    const check = (changes: readonly string[]) =>
      Promise.resolve(changes.includes('b') && changes.includes('d') ? 'clash' : null);
    const { accepted, offenders } = await mergeGreen([], ['a', 'b', 'c', 'd', 'e'], check, false);
    expect(accepted).toEqual(['a', 'b', 'c', 'e']);
    expect(offenders).toEqual([{ item: 'd', reason: 'clash' }]);
  });
});

test('neighbours are both those used and those using', () => {
  const graph = graphOf({ 'a.js': "import './b'", 'b.js': "import './c'", 'c.js': '' });
  expect(neighboursOf('b.js', graph)).toEqual(['c.js', 'a.js']);
});
