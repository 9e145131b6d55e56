"use strict";
// Runs `services list` once, with a built CLI, and keeps what V8 compiled for it. Arguments: the folder of the CLI, the
// socket of something that answers. See cli-loader.cjs.
const { writeFileSync } = require("node:fs");
const { join, resolve } = require("node:path");

const [, , folder, socket] = process.argv;
const { script, start } = require(resolve(folder, "sprite-env.cjs"));

process.argv = [process.argv[0], "sprite-env", "services", "list", "--socket", socket];
process.reallyExit = (code) => {
  if (code === 0) writeFileSync(join(folder, "verbs.cache"), script.createCachedData());
  process.exitCode = code;
};
start();
