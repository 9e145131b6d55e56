"use strict";
// Keeps what V8 compiles a bundle to. Arguments: the bundle, where to.
const { readFileSync, writeFileSync } = require("node:fs");
const { Script } = require("node:vm");

const [, , file, cache] = process.argv;
const script = new Script(readFileSync(file, "latin1"), { filename: file });
script.runInThisContext(); // so that what it calls at once is compiled, too
writeFileSync(cache, script.createCachedData());
