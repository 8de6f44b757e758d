import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeName, encodeName, parsePhysicalName, physicalName } from './queue-key';

test('names that people use stay readable', () => {
  expect(physicalName('execute', 'gpt-5.4')).toBe('execute.gpt-5.4');
  expect(physicalName('execute', 'openai/gpt-5.4')).toBe('execute.openai~2fgpt-5.4');
  expect(physicalName('verify', undefined)).toBe('verify');
  expect(encodeName('42')).toBe('~-42');
});

test('any text survives, and is safe for BullMQ', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 60, unit: 'grapheme' }), (text) => {
      // Lone surrogates are no text in UTF-8.
      fc.pre(text.isWellFormed());
      fc.pre(Buffer.byteLength(text) <= 130);
      const encoded = encodeName(text);
      expect(encoded).toMatch(/^[A-Za-z0-9._~-]+$/);
      expect(encoded).not.toMatch(/^\d+$/);
      expect(decodeName(encoded)).toBe(text);
      expect(parsePhysicalName(physicalName('execute', text))).toEqual({ queue: 'execute', key: text });
    }),
  );
});

test('a keyed queue needs a key, and unknown names are nobody’s', () => {
  expect(() => physicalName('execute', undefined)).toThrow(/options\.key/);
  expect(() => encodeName('x'.repeat(401))).toThrow(/400/);
  expect(parsePhysicalName('execute')).toBeNull();
  expect(parsePhysicalName('verify.x')).toBeNull();
  expect(parsePhysicalName('dead-letters')).toBeNull();
});
