'use strict';
// Which part this process plays: the word after the program's text says it. Each loads only what it needs.
const role = process.argv[1];
const candidate = (folder, order) => require('./candidate-main.cjs').candidateMain(folder, order);
if (role === 'candidate') candidate('/tmp/.acr-pipes', null);
else if (role === 'attached-candidate')
  candidate('/judge', JSON.parse(require('node:fs').readFileSync(0, 'utf8')));
else if (role === 'judge') require('./judge-main.cjs').judgeMain(process.argv[2].split(','));

module.exports = { attach: () => require('./attach.cjs').attach() };
