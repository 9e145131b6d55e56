"use strict";
// The entry of the single executable: the command line, or one of the program's parts. What they need is among its assets. See scripts/single.ts.
if (process.pid === 1) require("../early-signals.cjs").keepEarlySignals();
const { readFileSync } = require("node:fs");
const { basename } = require("node:path");
const { getRawAsset } = require("node:sea");
const { Script } = require("node:vm");
const { natives } = require("./natives.cjs");

const PART = "__part:";

/** Runs a bundle with the code that V8 compiled when it was built; where that is of another V8, it compiles anew. */
function run(name, load) {
  const cachedData = Buffer.from(getRawAsset(`${name}.cache`));
  const script = new Script(Buffer.from(getRawAsset(name)).toString("latin1"), {
    filename: name,
    cachedData,
  });
  const module = { exports: {} };
  script.runInThisContext()(module.exports, require, module, load);
  return module.exports;
}

let modules;

function nativesOrEnd() {
  try {
    natives();
  } catch (error) {
    process.stderr.write(`sprite-env: ${error.message}\n`);
    process.reallyExit(1);
  }
}

/** What the command line loads when it is needed: the daemon, questions about the past, the workbench. */
async function loadModule(path) {
  nativesOrEnd();
  modules ??= run("modules.js").modules;
  return modules[path]();
}

/** The soft limit of open files we were started with, as far as it can still be known: Node has raised ours before any code of ours ran. */
function softLimit() {
  try {
    const limits = readFileSync(`/proc/${process.ppid}/limits`, "utf8");
    return /^Max open files +(\d+)/m.exec(limits)?.[1] ?? KERNELS_OWN;
  } catch {
    return KERNELS_OWN;
  }
}

/** What the kernel gives process 1. */
const KERNELS_OWN = "1024";

const [, , first = ""] = process.argv;
if (basename(process.argv0) === "spritectl") process.env.SPRITE_ENV_PROGRAM = "spritectl";
if (process.env.SPRITE_ENV_PROGRAM === "spritectl" || first === "serve" || first.startsWith("-")) {
  process.env.UV_THREADPOOL_SIZE ??= "32"; // as bin/launch.sh
  process.env.SPRITE_ENV_NOFILE ??= softLimit();
}
if (first.startsWith(PART)) {
  nativesOrEnd();
  run(`${first.slice(PART.length)}.js`);
} else {
  run("verbs.js", loadModule);
}
