'use strict';

/** The answer's process ended, or broke the protocol. */
class AnswerDied extends Error {}

module.exports = { AnswerDied };
