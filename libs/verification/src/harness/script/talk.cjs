'use strict';
// Questions and replies of two sides that may both ask at any time.
class Talk {
  /** `side` handles what is asked and returns the reply; `send` and `next` are its ends of the pipes. */
  constructor(side, send, next) {
    this.side = side;
    this.sendRaw = send;
    this.next = next;
    this.number = 0;
    this.replies = new Map();
  }

  send(message) {
    this.sendRaw(this.side.shared.seal(message));
  }

  /** The reply to a question; meanwhile whatever else arrives is handled. */
  ask(message) {
    const id = ++this.number;
    this.send({ ...message, id });
    for (;;) {
      const reply = this.replies.get(id);
      if (reply !== undefined) {
        this.replies.delete(id);
        return reply;
      }
      this.receive(this.next());
    }
  }

  receive(message) {
    this.side.shared.open(message);
    if ('re' in message) return void this.replies.set(message.re, message);
    const reply = this.side.handle(message);
    if ('id' in message) this.send({ ...reply, re: message.id });
  }
}

module.exports = { Talk };
