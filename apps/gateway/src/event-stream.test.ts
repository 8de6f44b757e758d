import { expect, test } from '@jest/globals';
import { finishedFrame, formatCursor, frameOf, parseCursor } from './event-stream';

const cursor = { xid: '18446744073709', id: 42 };
const at = new Date('2026-01-02T03:04:05Z');

test('a cursor survives the way to the client and back', () => {
  expect(parseCursor(formatCursor(cursor))).toEqual({ after: cursor, sawEnd: false });
});

test.each(['', 'x', '1', '1-', '-1', '1-2-3', '1-2-end-', '1; drop-2', '9'.repeat(30) + '-1'])(
  '%j is no cursor',
  (text) => {
    expect(parseCursor(text)).toBeNull();
  },
);

test('one event is one frame, whatever its data holds', () => {
  const text = frameOf({ cursor, taskId: 't', type: 'task.settled', data: { note: 'a\n\nid: 7\r\nb' }, at });
  expect(text.split('\n')).toHaveLength(5);
  const data = text.split('\n')[2]?.replace(/^data: /, '') ?? '';
  expect(JSON.parse(data)).toEqual({
    type: 'task.settled',
    taskId: 't',
    at: '2026-01-02T03:04:05.000Z',
    data: { note: 'a\n\nid: 7\r\nb' },
  });
});

test('who has seen the end says so when coming back', () => {
  const id = /^id: (.*)$/m.exec(finishedFrame(cursor, {}, at))?.[1] ?? '';
  expect(parseCursor(id)).toEqual({ after: cursor, sawEnd: true });
});
