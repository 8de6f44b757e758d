import { expect, test } from '@jest/globals';
import { parseEvents } from './server-sent-events';

const STREAM =
  'id: 1\nevent: a\ndata: {"x":\ndata: "ä"}\n\n: ping\n\nid: 2\r\ndata: two\r\n\r\ndata: cut off';

async function* inChunksOf(size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(STREAM);
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

test.each([1, 2, 3, 7, 1_000])('events are the same however the bytes arrive: %i at a time', async (size) => {
  const events = [];
  for await (const event of parseEvents(inChunksOf(size))) events.push(event);
  expect(events).toEqual([
    { id: '1', type: 'a', data: '{"x":\n"ä"}' },
    { id: '2', type: 'message', data: 'two' },
  ]);
});
