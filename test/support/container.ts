import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** Whether containers can be run here; in CI they can. */
export const canRunContainers =
  process.getuid?.() === 0 &&
  existsSync("/bin/busybox") &&
  spawnSync("crun", ["--version"]).status === 0;

const PATH = "/bin";
const APPLETS = ["sh", "sleep", "cat", "echo", "pwd", "hostname", "true"];
const SPACES = ["pid", "network", "ipc", "uts", "mount"];

/**
 * A container of a real runtime on an image of busybox. crun wants control groups of version 2 and nothing beside them, so each of its calls gets a mount of its own.
 *
 * Source: https://github.com/opencontainers/runtime-spec/blob/main/config.md
 */
export class Container {
  readonly name = "app";
  readonly hostname = "inside";
  /** Takes crun's verbs. */
  readonly crun: string;
  readonly #bundle: string;

  /** @param dir where it lies; whoever made that removes it */
  constructor(dir: string, args: readonly string[]) {
    this.#bundle = join(dir, "bundle");
    const rootfs = join(this.#bundle, "rootfs");
    for (const folder of ["bin", "dev", "proc", "tmp", "data"])
      mkdirSync(join(rootfs, folder), { recursive: true });
    copyFileSync("/bin/busybox", join(rootfs, "bin/busybox"));
    for (const applet of APPLETS) symlinkSync("busybox", join(rootfs, "bin", applet));
    const config = {
      ociVersion: "1.0.0",
      hostname: this.hostname,
      process: { user: { uid: 0, gid: 0 }, cwd: "/", args, env: [`PATH=${PATH}`, "IN=container"] },
      root: { path: "rootfs" },
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
      linux: { namespaces: SPACES.map((type) => ({ type })) },
    };
    writeFileSync(join(this.#bundle, "config.json"), JSON.stringify(config));
    this.crun = join(dir, "crun.sh");
    writeFileSync(
      this.crun,
      `#!/bin/sh\nexec unshare -m sh -c 'umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && exec crun --root ${dir}/crun "$@"' sh "$@"\n`,
    );
    chmodSync(this.crun, 0o755);
  }

  /** The words that run it in the foreground. */
  get run(): string[] {
    return [this.crun, "run", "--bundle", this.#bundle, this.name];
  }

  /** The words that stand before a command that is to be run in it. */
  get exec(): string[] {
    return [this.crun, "exec", this.name];
  }

  delete(): void {
    spawnSync(this.crun, ["delete", "--force", this.name]);
  }
}
