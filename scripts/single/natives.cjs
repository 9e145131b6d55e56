"use strict";
// The native parts of the single executable. A loader wants a file; this writes one, keeps it open and removes it, so that nothing is left behind however
// the process ends. All threads load the same file: two SQLites in one process would drop each other's locks.
const { randomBytes } = require("node:crypto");
const { closeSync, existsSync, openSync, unlinkSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { dirname, join } = require("node:path");
const { getRawAsset } = require("node:sea");
const { getEnvironmentData, setEnvironmentData } = require("node:worker_threads");

const NAMES = ["koffi", "better_sqlite3"];
const KEY = "sprite-env natives";

/** Directories that may be written and may hold code that runs, the likeliest first. */
const places = () =>
  [
    "/dev/shm",
    tmpdir(),
    "/run",
    process.env.XDG_RUNTIME_DIR,
    process.env.SPRITE_WRITE_DIR,
    "/var/tmp",
    dirname(process.execPath),
    "/",
  ].filter(Boolean);

/** Loads the part, in this thread, from a file that has no name afterwards. @returns where another thread finds it */
function loadUnnamed(directory, bytes, name) {
  const file = join(directory, `.sprite-env-${process.pid}-${randomBytes(6).toString("hex")}.node`);
  const writing = openSync(file, "wx", 0o500);
  try {
    writeFileSync(writing, bytes);
    loaded.set(name, loadFrom(file));
    return pathOf(openSync(file, "r"), file);
  } finally {
    closeSync(writing);
    unlinkSync(file);
  }
}

/**
 * The loader knows by the file's number that it is the same. Where no /proc is, it is asked for the name that it loaded: it looks among those before it looks for a file,
 * so that the file need not be there any more. Source: glibc, elf/dl-load.c, _dl_map_object.
 */
function pathOf(descriptor, file) {
  const path = `/proc/self/fd/${descriptor}`;
  if (existsSync(path)) return path;
  closeSync(descriptor);
  return file;
}

function loadFrom(path) {
  const module = { exports: {} };
  process.dlopen(module, path);
  return module.exports;
}

/** Of this thread, whichever bundle asks. */
const loaded = (globalThis[Symbol.for(KEY)] ??= new Map());

/** Puts every native part where the threads find it, once a process. */
function natives() {
  const before = getEnvironmentData(KEY);
  if (before) return before;
  const paths = Object.fromEntries(NAMES.map((name) => [name, place(name)]));
  setEnvironmentData(KEY, paths);
  return paths;
}

function place(name) {
  const bytes = Buffer.from(getRawAsset(`${name}.node`));
  const refused = [];
  for (const directory of places()) {
    try {
      return loadUnnamed(directory, bytes, name);
    } catch (error) {
      refused.push(`${directory} (${error.code ?? error.message})`);
    }
  }
  throw new Error(
    `none of these directories takes a file that can be run, and one is needed for a moment: ${refused.join(", ")}. ` +
      "Mount a tmpfs without noexec at /run, or name another directory in TMPDIR",
  );
}

/** @returns what the native part exports, in this thread */
function native(name) {
  const path = natives()[name];
  if (!loaded.has(name)) loaded.set(name, loadFrom(path));
  return loaded.get(name);
}

module.exports = { native, natives };
