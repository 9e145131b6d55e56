"use strict";
// Becomes dist/cli/sprite-env.cjs: runs verbs.js beside it with the code that V8 compiled when it was built. Compiling
// 75 kB anew would cost a seventh of what `services list` takes. V8 refuses code of another version of itself and
// compiles then; verbs.js and verbs.cache are swapped in together, since it compares no more than their lengths.
if (process.pid === 1) require("./early-signals.cjs").keepEarlySignals();
const { readFileSync } = require("node:fs");
const { Script } = require("node:vm");

function cached() {
  try {
    return readFileSync(`${__dirname}/verbs.cache`);
  } catch {
    return undefined; // only slower
  }
}

const script = new Script(readFileSync(`${__dirname}/verbs.js`, "latin1"), {
  filename: `${__dirname}/verbs.js`,
  cachedData: cached(),
});
exports.script = script;
exports.start = () => script.runInThisContext()(exports, require, module, (path) => import(path));

if (require.main === module) exports.start();
