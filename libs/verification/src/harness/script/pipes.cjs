'use strict';
// Messages over pipes: their length, then JSON.
const { AnswerDied } = require('./values.cjs');

const MAX_MESSAGE = 64 * 1024 * 1024;

function sendTo(fs, fd, message) {
  const body = Buffer.from(JSON.stringify(message));
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  const data = Buffer.concat([head, body]);
  for (let at = 0; at < data.length;) at += fs.writeSync(fd, data, at);
}

function readFrom(fs, fd) {
  const exactly = (size) => {
    const buffer = Buffer.alloc(size);
    for (let at = 0; at < size;) {
      const n = fs.readSync(fd, buffer, at, size - at, null);
      if (n === 0) throw new AnswerDied("the answer's process ended");
      at += n;
    }
    return buffer;
  };
  const size = exactly(4).readUInt32BE();
  if (size > MAX_MESSAGE) throw new AnswerDied("the answer's result is too large");
  try {
    return JSON.parse(exactly(size).toString());
  } catch {
    throw new AnswerDied('the answer broke the protocol');
  }
}

/** Calls `handle` with every message that arrives; does not keep the process alive unless asked to. */
function listen(net, fd, handle, closed) {
  const socket = new net.Socket({ fd, readable: true, writable: false });
  let data = Buffer.alloc(0);
  socket.on('data', (chunk) => {
    data = data.length === 0 ? chunk : Buffer.concat([data, chunk]);
    while (data.length >= 4 && data.length >= 4 + data.readUInt32BE()) {
      const body = data.subarray(4, 4 + data.readUInt32BE());
      data = data.subarray(4 + body.length);
      handle(body);
    }
  });
  socket.on('error', closed);
  socket.on('end', closed);
  return socket;
}

module.exports = { listen, readFrom, sendTo };
