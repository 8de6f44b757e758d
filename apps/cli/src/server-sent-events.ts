/** One event of a `text/event-stream`. `id` is `''` when it had none. */
export interface ServerSentEvent {
  id: string;
  type: string;
  data: string;
}

/**
 * Parses a `text/event-stream` (WHATWG HTML, §9.2.6). An event that the end of the stream cut off is left out.
 * @param onBytes called for every chunk, comments included: a sign of life
 */
export async function* parseEvents(
  body: AsyncIterable<Uint8Array>,
  onBytes: () => void = () => undefined,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let buffer = '';
  for await (const chunk of body) {
    onBytes();
    // A lone CR at the end of a chunk may be half of a CRLF: it waits for the next chunk.
    buffer = (buffer + decoder.decode(chunk, { stream: true })).replace(/\r\n|\r(?!$)/g, '\n');
    const blocks = buffer.split('\n\n');
    buffer = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parseBlock(block);
      if (event) yield event;
    }
  }
}

function parseBlock(block: string): ServerSentEvent | null {
  const event: ServerSentEvent = { id: '', type: 'message', data: '' };
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, field, value] = /^([^:]+):? ?(.*)$/.exec(line) ?? [];
    if (field === 'data') data.push(value ?? '');
    else if (field === 'id') event.id = value ?? '';
    else if (field === 'event') event.type = value ?? '';
  }
  if (data.length === 0) return null;
  return { ...event, data: data.join('\n') };
}
