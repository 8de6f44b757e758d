'use strict';
// Which part this process plays: the word after the program's text says it.
const { attach } = require('./attach.cjs');
const { candidateMain } = require('./candidate-main.cjs');
const { judgeMain } = require('./judge-main.cjs');

const role = process.argv[1];
if (role === 'candidate') candidateMain('/tmp', null);
else if (role === 'attached-candidate')
  candidateMain('/judge', JSON.parse(require('node:fs').readFileSync(0, 'utf8')));
else if (role === 'judge') judgeMain(process.argv[2].split(','));

module.exports = { attach };
