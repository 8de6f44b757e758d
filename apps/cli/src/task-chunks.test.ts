import { expect, test } from '@jest/globals';
import { chunksOf } from './task-chunks';

const tasks = (count: number, characters: number) =>
  Array.from({ length: count }, (_, i) => ({ id: `t${i}`, prompt: 'x'.repeat(characters) }));

test('a request has at most 1,000 tasks and a megabyte; the order is kept and nothing is lost', () => {
  expect(chunksOf(tasks(2_500, 10)).map((chunk) => chunk.length)).toEqual([1_000, 1_000, 500]);
  const large = chunksOf(tasks(100, 40_000));
  expect(large.every((chunk) => JSON.stringify(chunk).length <= 1024 * 1024)).toBe(true);
  expect(large.flat().map((task) => task.id)).toEqual(tasks(100, 1).map((task) => task.id));
  expect(large.length).toBeLessThan(6);
});

test('a task larger than that goes alone, and no task is no request', () => {
  expect(chunksOf([...tasks(1, 2_000_000), ...tasks(2, 10)]).map((chunk) => chunk.length)).toEqual([1, 2]);
  expect(chunksOf([])).toEqual([]);
});
