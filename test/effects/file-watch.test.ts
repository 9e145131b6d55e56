import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { createFileWatch } from "../../src/effects/file-watch.ts";
import { until } from "../support/until.ts";

/** Watches paths of a directory of its own; what it tells of is without that directory. */
async function watching(paths: readonly string[], before: string) {
  const dir = mkdtempSync(join(tmpdir(), "watch-"));
  const run = (line: string) => void execFileSync("sh", ["-ec", line], { cwd: dir });
  run(before);
  const said: string[] = [];
  const told: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line) => void said.push(line) });
  const watch = createFileWatch({
    logger,
    changed: (service, path) => void told.push(`${service} ${path.slice(dir.length + 1)}`),
  });
  onTestFinished(() => {
    watch.close();
    rmSync(dir, { recursive: true });
  });
  watch.watch(
    "web",
    paths.map((path) => join(dir, path)),
  );
  await until("it watches", () => said.join("").includes("its files are watched"));
  /** Runs a line of the shell; waits until this or what is below it is told of, and nothing else. */
  const tells = async (line: string, path: string) => {
    told.length = 0;
    run(line);
    await until(`it tells of ${path}`, () => told.length > 0);
    expect(told).toEqual([expect.stringMatching(`^web ${path}(/|$)`)]);
  };
  /** Runs a line of the shell, and gives it time to be told of; what follows shows that it was not. */
  const tellsNothing = async (line: string) => {
    told.length = 0;
    run(line);
    await pause(600);
    expect(told).toEqual([]);
  };
  return { tells, tellsNothing, watch, dir };
}

it("sees what is made in a directory that was replaced within a watched one", async () => {
  const { tells } = await watching(["wx"], "mkdir -p wx/sub; echo 1 > wx/sub/a");
  await tells("rm -r wx/sub; mkdir wx/sub; echo 2 > wx/sub/a", "wx/sub");
  await tells("echo 1 > wx/sub/new", "wx/sub/new");
  await tells("mkdir -p wx/b/c; echo 1 > wx/b/c/d", "wx/b");
  await tells("echo 2 > wx/b/c/d", "wx/b/c/d");
});

it("sees a link flipped within a watched directory, and what it leads to from then on", async () => {
  const { tells } = await watching(["wx"], "mkdir wx r1 r2; echo 1 > r2/f; ln -s ../r1 wx/l");
  await tells("ln -sfn ../r2 wx/l", "wx/l");
  await tells("echo 2 > r2/f", "wx/l/f");
});

it("sees a link flipped that is in the middle of another's path", async () => {
  const { tells } = await watching(
    ["a/f"],
    "mkdir r1 r2; echo 1 > r1/f; ln r1/f r2/f; ln -s r1 b; ln -s b/../b a",
  );
  await tells("ln -sfn r2 b", "a/f");
});

it("sees a file that another takes the place of, of the same size and time", async () => {
  const { tells } = await watching(["f"], "echo 1 > f; echo 2 > g; touch -r f g");
  await tells("mv g f", "f");
});

it("sees a file changed through another of its names", async () => {
  const { tells } = await watching(["f"], "mkdir d; echo 1 > f; ln f d/f");
  await tells("echo 2 > d/f", "f");
});

it("sees a file become a directory, and one again", async () => {
  const { tells } = await watching(["f"], "echo 1 > f");
  await tells("rm f; mkdir f; echo 1 > f/g", "f");
  await tells("echo 2 > f/g", "f/g");
  await tells("rm -r f; echo 1 > f", "f");
  await tells("echo 2 > f", "f");
});

it("sees a link that leads nowhere become one that does", async () => {
  const { tells, tellsNothing } = await watching(["l"], "ln -s l l");
  await tellsNothing("ln -sfn no/where l");
  await tells("mkdir no; echo 1 > no/where", "l");
});

it("goes through links that lead in circles once", async () => {
  const { tells } = await watching(
    ["wx"],
    "mkdir wx; ln -s . wx/self; ln -s ../wx wx/up; ln -s loop wx/loop",
  );
  await tells("echo 1 > wx/f", "wx/f");
});

it("tells of nothing where a parent alone is made, or a name beside", async () => {
  const { tells, tellsNothing } = await watching(["p/q/f"], "echo 1 > beside");
  await tellsNothing("mkdir p; echo 2 > beside; echo 1 > p/q2");
  await tellsNothing("mkdir p/q; echo 1 > p/q/f2");
  await tells("echo 1 > p/q/f", "p/q/f");
});

it("tells of nothing where all is again as it was, or only an editor's file is there", async () => {
  const { tells, tellsNothing } = await watching(["wx"], "mkdir wx; echo 1 > wx/f; chmod 644 wx/f");
  await tellsNothing(
    "chmod 644 wx/f; chmod 700 wx; echo 1 > wx/4913; rm wx/4913; mv wx w2; mv w2 wx",
  );
  await tellsNothing("echo 1 > wx/.f.swp; echo 1 > wx/f~");
  await tells("chmod 600 wx/f", "wx/f");
});

it("tells once of a tree that is being filled, when that is over", async () => {
  const { tells, tellsNothing } = await watching(["wx"], "mkdir wx");
  await tells(
    "for n in 1 2 3 4 5 6 7 8; do mkdir -p wx/t/$n; echo 1 > wx/t/$n/f; sleep 0.1; done",
    "wx/t",
  );
  await tellsNothing("true");
});

it("tells of nothing more of what is forgotten", async () => {
  const { tells, tellsNothing, watch, dir } = await watching(["f"], "echo 1 > f");
  await tells("echo 2 > f", "f");
  watch.watch("web", [join(dir, "g")]);
  await tellsNothing("echo 3 > f");
  await tells("echo 1 > g", "g");
  watch.forget("web");
  await tellsNothing("echo 2 > g");
});
