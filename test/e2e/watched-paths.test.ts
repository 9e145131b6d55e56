import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { fixture, type Sprite, sprite } from "../support/daemon.ts";
import { until } from "../support/until.ts";

const restarts = (made: Sprite) => made.rowsOf("web", "service.restart_requested");

interface Watching {
  made: Sprite;
  /** Runs a line of the shell beside what is watched, and waits until the service is restarted for it, and once. */
  restartsFor: (line: string) => Promise<void>;
  run: (line: string) => void;
}

/** A service that runs, and whose files are watched. */
async function watching(path: string, before: string): Promise<Watching> {
  const made = sprite();
  const run = (line: string) => void execFileSync("sh", ["-ec", line], { cwd: made.home });
  run(before);
  const daemon = await made.boot({ flags: ["--log-level", "debug"] });
  await made.put("web", { cmd: fixture("forever"), watch: [join(made.home, path)] });
  let pid = await made.untilRunning("web");
  await until("it is watched", () => daemon.said().includes("its files are watched"));
  let count = 0;
  const restartsFor = async (line: string) => {
    run(line);
    pid = await made.untilRunning("web", pid);
    expect(restarts(made)).toHaveLength((count += 1));
  };
  return { made, restartsFor, run };
}

it("a directory that is removed and made anew is watched as before", async () => {
  const { restartsFor } = await watching("wx", "mkdir wx; echo a > wx/a");
  await restartsFor("rm -rf wx; mkdir wx; echo b > wx/a");
  await restartsFor("echo c > wx/a");
  await restartsFor("rm -rf wx");
  await restartsFor("mkdir wx");
  await restartsFor("echo d > wx/new");
});

const RELEASES = "mkdir rel1 rel2 rel3; echo 1 > rel1/f; echo 1 > rel2/f; echo 1 > rel3/f; ";
const FLIPS = {
  "mv -T": (target: string) => `ln -s ${target} next; mv -T next cur`,
  "ln -sfn": (target: string) => `ln -sfn ${target} cur`,
};

for (const [way, flip] of Object.entries(FLIPS))
  it.each(["cur", "cur/f"])(
    `a link that is flipped by ${way} restarts what watches %s`,
    async (path) => {
      const { made, restartsFor } = await watching(path, `${RELEASES}ln -s rel1 cur`);
      await restartsFor(flip("rel2"));
      await restartsFor("echo 2 > rel2/f");
      await restartsFor(flip("$PWD/rel3"));
      await restartsFor("echo 2 > rel3/f");
      expect(restarts(made)[0]).toMatchObject({ data: { path: join(made.home, path) } });
    },
  );

it.each(["map", "map/f"])(
  "a ConfigMap that is brought up to date restarts what watches %s",
  async (path) => {
    const { restartsFor } = await watching(
      path,
      "mkdir -p map/..1; echo 1 > map/..1/f; ln -s ..1 map/..data; ln -s ..data/f map/f",
    );
    const update = (from: number, to: number) =>
      `mkdir map/..${to}; echo 1 > map/..${to}/f; ln -s ..${to} map/..data_tmp; mv -T map/..data_tmp map/..data; rm -r map/..${from}`;
    await restartsFor(update(1, 2));
    await restartsFor(update(2, 3));
  },
);

it("a file is watched whose directories are made later", async () => {
  const { restartsFor, run } = await watching("np/q/r.txt", "true");
  run("mkdir np");
  await restartsFor("mkdir np/q; echo 1 > np/q/r.txt");
  await restartsFor("echo 2 > np/q/r.txt");
  await restartsFor("mv np old; mkdir -p np/q; echo 3 > np/q/r.txt");
  await restartsFor("echo 4 > np/q/r.txt");
});

const UNSHARED = ["unshare", "--user", "--map-root-user"];
const canLimit = spawnSync("unshare", [...UNSHARED.slice(1), "true"]).status === 0;

it.skipIf(!canLimit)(
  "says so once where the kernel gives no more watches, and restarts for what it sees",
  async () => {
    const made = sprite();
    const inner = `echo 40 > /proc/sys/user/max_inotify_watches; exec "$@"`;
    const daemon = await made.boot({
      wrapper: [...UNSHARED, "sh", "-c", inner, "sh"],
    });
    execFileSync("sh", ["-ec", "for n in $(seq 60); do mkdir -p wx/$n; done; echo 1 > f"], {
      cwd: made.home,
    });
    await made.put("web", {
      cmd: fixture("forever"),
      watch: [join(made.home, "f"), join(made.home, "wx")],
    });
    const pid = await made.untilRunning("web");
    await until("it says so", () => daemon.said().includes("its files cannot be watched: ENOSPC"));
    execFileSync("sh", ["-ec", "echo 2 > f"], { cwd: made.home });
    await made.untilRunning("web", pid);
    expect(daemon.said().split("cannot be watched")).toHaveLength(2);
  },
);
