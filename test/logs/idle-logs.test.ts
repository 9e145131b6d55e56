import {
  appendFileSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { expect, it, onTestFinished } from "vitest";
import { ownLine } from "../../src/logs/line.ts";
import { type LogFile, position } from "../../src/logs/log-file.ts";
import { createLogs, type OpenLogs } from "../../src/logs/open-logs.ts";
import { endPosition, linesBetween } from "../../src/logs/read.ts";
import { tempPlace, textsIn, until } from "./harness.ts";
import { limits } from "./limits.ts";

interface Kit {
  logs: OpenLogs;
  logDir: string;
  /** One life of a service that writes these lines; the log it wrote to. */
  life: (service: string, ...texts: string[]) => LogFile;
  /** Services whose logs are open now, as the kernel sees it. */
  open: () => string[];
}

function kit(options: { most?: number; keepMs?: number; rotateBytes?: number } = {}): Kit {
  const { most = 64, keepMs = 60_000, rotateBytes = limits.rotateBytes } = options;
  const place = { ...tempPlace({ rotateBytes }), totalBytes: limits.totalBytes, runDir: "" };
  const ignore = (): void => {};
  const logs = createLogs(place, ignore, ignore, { most, keepMs });
  onTestFinished(() => logs.close());
  const life: Kit["life"] = (service, ...texts) => {
    const log = logs.acquire(service);
    for (const text of texts) logs.write(log, ownLine(text, Date.now()), 1);
    logs.release(service);
    return log;
  };
  return { logs, logDir: place.logDir, life, open: () => openIn(place.logDir) };
}

const linkOf = (fd: string): string[] => {
  try {
    return [readlinkSync(`/proc/self/fd/${fd}`)];
  } catch {
    return []; // the one that lists the directory
  }
};

const openIn = (logDir: string): string[] =>
  readdirSync("/proc/self/fd")
    .flatMap(linkOf)
    .filter((path) => path.startsWith(`${logDir}/`))
    .map((path) => path.slice(logDir.length + 1).replace(/\.log.*/, ""))
    .toSorted();

it("has the log of a service's last life still open for the next", () => {
  const { life, open } = kit();
  const first = life("web", "one");
  expect(open()).toEqual(["web"]);
  expect(life("web", "two")).toBe(first);
  expect(textsIn(first.path)).toEqual(["one", "two"]);
});

it("begins a log again that was removed between two lives, at positions that were not used before", async () => {
  const { life, logDir, open } = kit();
  const first = life("web", "one");
  const end = position(first);
  unlinkSync(first.path);
  const second = life("web", "two");
  expect(textsIn(second.path)).toEqual(["two"]);
  expect(second.base).toBeGreaterThanOrEqual(end);
  const lines = await linesBetween(logDir, "web", second.base, position(second));
  expect(lines.map(({ text }) => text)).toEqual(["two"]);
  expect(open()).toEqual(["web"]); // and nothing that was deleted
});

it("goes on in the file that replaced a log between two lives", () => {
  const { life } = kit();
  const { path } = life("web", "one");
  writeFileSync(`${path}.mine`, readFileSync(path, "utf8").replace("one", "two"));
  renameSync(`${path}.mine`, path);
  life("web", "three");
  expect(textsIn(path)).toEqual(["two", "three"]);
});

it("begins a new log where somebody set the old one aside between two lives", () => {
  const { life } = kit();
  const { path } = life("web", "one");
  renameSync(path, `${path}.mine`);
  life("web", "two");
  expect(textsIn(`${path}.mine`)).toEqual(["one"]);
  expect(textsIn(path)).toEqual(["two"]);
});

for (const [what, change] of [
  ["emptied", (path: string) => truncateSync(path)],
  ["added to", (path: string) => appendFileSync(path, "somebody else's\n")],
  ["overwritten", (path: string) => writeFileSync(path, readFileSync(path, "utf8"))],
] as const) {
  it(`knows where its lines are in a log that was ${what} between two lives`, async () => {
    const { life, logs, logDir } = kit();
    const { path } = life("web", "one");
    change(path);
    const log = logs.acquire("web");
    const from = position(log);
    logs.release("web");
    life("web", "two");
    const lines = await linesBetween(logDir, "web", from, endPosition(logDir, "web"));
    expect(lines.map(({ text }) => text)).toEqual(["two"]);
  });
}

it("makes the directory again where it was removed between two lives", () => {
  const { life, logDir } = kit();
  const { path } = life("web", "one");
  rmSync(logDir, { recursive: true });
  life("web", "two");
  expect(textsIn(path)).toEqual(["two"]);
});

it("counts positions on over rotations and lives", async () => {
  const { life, logDir } = kit({ rotateBytes: 200 });
  const texts = Array.from({ length: 12 }, (_, n) => `line ${n}`);
  let end = 0;
  for (const text of texts) {
    const log = life("web", text);
    expect(position(log) - end).toBe(ownLine(text, Date.now()).length);
    end = position(log);
  }
  expect(readdirSync(logDir).length).toBeGreaterThan(3);
  expect(endPosition(logDir, "web")).toBe(end);
  const lines = await linesBetween(logDir, "web", 0, end);
  expect(lines.map(({ text }) => text)).toEqual(texts.slice(-lines.length));
});

it("keeps no more logs open than its limit, and closes the one that is idle longest", () => {
  const { life, open } = kit({ most: 2 });
  for (const service of ["a", "b", "a", "c"]) life(service, "x");
  expect(open()).toEqual(["a", "c"]);
});

it("counts no log against the limit that is written to", () => {
  const { life, logs, open } = kit({ most: 1 });
  for (const service of ["a", "b", "c"]) logs.acquire(service);
  life("d", "x");
  expect(open()).toEqual(["a", "b", "c", "d"]);
});

it("closes a log that nobody wanted for a while", async () => {
  const { life, logs, open } = kit({ keepMs: 10 });
  logs.acquire("used");
  life("a", "x");
  life("b", "x");
  await until("both are closed", () => open().join() === "used");
});

it("closes idle logs, too, when it is closed", () => {
  const { life, logs, open } = kit();
  life("a", "x");
  logs.acquire("used");
  logs.close();
  expect(open()).toEqual([]);
});
