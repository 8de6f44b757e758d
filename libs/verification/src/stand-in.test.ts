import { expect, test } from '@jest/globals';
import { exportedNames } from './stand-in';

test('names at the top of a script, of its exports and of a module', () => {
  const code =
    'const a = 1;\nfunction b() {}\nexport default class C {}\nexports.d = 2;\nmodule.exports = { e, f: g };\nexport { h as i };';
  expect(exportedNames(code)).toEqual(expect.arrayContaining(['C', 'a', 'b', 'd', 'e', 'f', 'i']));
});

test('words of the language are no names', () => {
  expect(exportedNames('module.exports = { default: 1, ok: 2 };')).toEqual(['ok']);
});

test.each(['\n', 'module.exports={', 'export {', 'export \n', 'const ', 'exports.'])(
  '200 KB of %j are read at once',
  (piece) => {
    const many = piece.repeat(Math.ceil(200_000 / piece.length));
    expect(exportedNames(many).length).toBeLessThanOrEqual(500);
  },
);
