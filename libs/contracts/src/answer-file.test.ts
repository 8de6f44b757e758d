import { describe, expect, test } from '@jest/globals';
import { parseAnswerFile } from './answer-file';

describe('parseAnswerFile', () => {
  test('passes every field but the completion through', () => {
    const text = '{"task_id":"t","model":"m","completion":"x"}\n\n{"id":7,"completion":""}\n';
    expect(parseAnswerFile(text, 'a.jsonl')).toEqual([
      { taskId: 't', completion: 'x', rest: { task_id: 't', model: 'm' } },
      { taskId: '7', completion: '', rest: { id: 7 } },
    ]);
  });

  test('a file without an answer, and a line nested too deeply, are mistakes', () => {
    expect(() => parseAnswerFile('\n', 'a.jsonl')).toThrow(/a\.jsonl has no answer/);
    const deep = `{"id":1,"completion":"x","d":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
    expect(() => parseAnswerFile(deep, 'a.jsonl')).toThrow(/a\.jsonl:1: nested too deeply/);
  });

  test('names file and line of every mistake', () => {
    expect(() =>
      parseAnswerFile('{"id":1,"completion":"x"}\n{"id":1}\n{"completion":"y"}\n{', 'a.jsonl'),
    ).toThrow(
      /a\.jsonl:2: completion[\s\S]*a\.jsonl:3: the answer: needs "task_id"[\s\S]*a\.jsonl:4: not JSON/,
    );
  });
});
