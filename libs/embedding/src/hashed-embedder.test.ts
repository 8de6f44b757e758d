import { expect, test } from '@jest/globals';
import { HashedEmbedder } from './hashed-embedder';

const embedder = new HashedEmbedder();
const cosine = (a: string, b: string) => {
  const [x, y] = [embedder.embedNow(a), embedder.embedNow(b)];
  return x.reduce((sum, v, i) => sum + v * y[i]!, 0);
};

const sortTask =
  'Write a Python function merge_sort(items) that sorts a list of integers in ascending order.';

test('any text has a vector of length 1, the same every time', () => {
  for (const text of ['', ' ', 'a', '\0\ud800', '💥', 'x'.repeat(100_000), sortTask]) {
    const vector = embedder.embedNow(text);
    expect(vector).toHaveLength(embedder.dimensions);
    expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
    expect(embedder.embedNow(text)).toEqual(vector);
  }
});

test('a task is nearer to its rewording than to another task', () => {
  const reworded = 'Implement mergeSort(items) in Python: sort the given integers ascending with merge sort.';
  const other = 'Write a Python function that downloads a web page and counts its links.';
  expect(cosine(sortTask, reworded)).toBeGreaterThan(cosine(sortTask, other) + 0.1);
});

test('a negation moves a prompt, though most of its words stay', () => {
  const negated = sortTask.replace('that sorts', 'that does not sort').replace('ascending', 'descending');
  expect(cosine(sortTask, sortTask)).toBeCloseTo(1, 5);
  expect(cosine(sortTask, negated)).toBeLessThan(0.9);
});

test('camelCase and snake_case spell the same words', () => {
  expect(cosine('parseHttpHeader', 'parse_http_header')).toBeGreaterThan(0.6);
  expect(cosine('parseHttpHeader', 'drawBlueCircle')).toBeLessThan(0.5);
});

test('tells kinds of tasks apart by their shape and code', () => {
  const doctest = 'def add(a, b):\n    """Add.\n    >>> add(1, 2)\n    3\n    """\n';
  const doctest2 = 'def mul(x, y):\n    """Multiply.\n    >>> mul(2, 2)\n    4\n    """\n';
  const prose = 'Refactor the following Java class so that it no longer repeats itself.';
  expect(cosine(doctest, doctest2)).toBeGreaterThan(cosine(doctest, prose) + 0.1);
});

test('the id names the vector space', () => {
  expect(embedder.id).toBe('hashed-1/384');
  expect(new HashedEmbedder(512).id).not.toBe(embedder.id);
});

test('a vector does not change between releases unless its id does', () => {
  const v = embedder.embedNow(sortTask);
  let digest = 0;
  v.forEach((x, i) => (digest = (Math.imul(digest, 31) + Math.round(x * 1e4) * (i + 1)) | 0));
  expect(digest).toMatchInlineSnapshot(`558730503`);
});
