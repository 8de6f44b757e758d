'use strict';
// Messages over pipes: their length, then JSON.
const { AnswerDied } = require('./died.cjs');

const MAX_MESSAGE = 64 * 1024 * 1024;
// Tests and answers may patch what these are; each process has its own.
const { parse, stringify } = JSON;
const { alloc, byteLength, concat } = Buffer;
const later = setImmediate;

/** `write`: fs.writeSync as it was at the start. */
function sendTo(write, fd, message) {
  const text = stringify(message);
  const data = alloc(4 + byteLength(text));
  data.writeUInt32BE(data.length - 4);
  data.write(text, 4);
  for (let at = 0; at < data.length;) at += write(fd, data, at);
}

/**
 * What arrives, one message after the other: `next` waits for one, `listen` handles those that come while nobody
 * waits. The pipe is open twice, since one who listens does so without blocking.
 */
class Incoming {
  constructor(fs, path) {
    this.read = fs.readSync;
    this.waits = fs.openSync(path, 'r');
    this.listens = fs.openSync(path, 'r');
    this.data = alloc(0);
    this.left = false;
    this.handleAll = null;
  }

  /** The first whole message of what is here; undefined when there is none. */
  take() {
    const { data } = this;
    if (data.length < 4) return undefined;
    const end = 4 + data.readUInt32BE();
    if (end > MAX_MESSAGE) throw new AnswerDied("the answer's result is too large");
    if (data.length < end) return undefined;
    this.data = data.subarray(end);
    let message;
    try {
      message = parse(data.toString('utf8', 4, end));
    } catch {
      throw new AnswerDied('the answer broke the protocol');
    }
    if (message === null || typeof message !== 'object')
      throw new AnswerDied('the answer broke the protocol');
    return message;
  }

  next() {
    for (;;) {
      const message = this.take();
      if (message !== undefined) {
        this.leave();
        return message;
      }
      const whole = alloc(this.data.length < 4 ? 65536 : 4 + this.data.readUInt32BE());
      let at = this.data.copy(whole);
      const enough = this.data.length < 4 ? 4 : whole.length;
      while (at < enough) at += this.some(whole, at);
      this.data = whole.subarray(0, at);
    }
  }

  /** What was read along with a message that was waited for: nobody would be told of it any more. */
  leave() {
    if (this.left || this.data.length === 0 || !this.handleAll) return;
    this.left = true;
    later(() => {
      this.left = false;
      this.handleAll();
    });
  }

  some(into, at) {
    const n = this.read(this.waits, into, at, into.length - at, null);
    if (n === 0) throw new AnswerDied("the answer's process ended");
    return n;
  }

  /** Calls `handle` with every message that arrives; does not keep the process alive unless asked to. */
  listen(net, handle, closed) {
    const socket = new net.Socket({ fd: this.listens, readable: true, writable: false });
    this.handleAll = () => {
      for (let message = this.take(); message !== undefined; message = this.take()) handle(message);
    };
    socket.on('data', (chunk) => {
      this.data = this.data.length === 0 ? chunk : concat([this.data, chunk]);
      this.handleAll();
    });
    for (const end of ['error', 'end']) socket.on(end, closed);
    return socket;
  }
}

module.exports = { Incoming, sendTo };
