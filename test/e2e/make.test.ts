import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { expect, it, onTestFinished } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
/** What a fresh checkout does not have. */
const MADE = new Set([
  "artifacts",
  ".demo",
  ".git",
  ".toolchain",
  "dist",
  "node_modules",
  "release",
]);

function run(cwd: string, program: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: "utf8",
    cwd,
    env: { PATH: process.env["PATH"], HOME: cwd },
  });
  return { code: status, stdout, stderr };
}

/** The commands that make would run if nothing were there yet. */
const planned = (target: string): string[] =>
  run(ROOT, "make", "--dry-run", "--always-make", target).stdout.split("\n");

/** A copy of the checkout as it is after the packages came: each is a link, since a build works in `node_modules`. */
function freshCheckout(): string {
  const copy = mkdtempSync(join(tmpdir(), "sprite-checkout-"));
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }));
  cpSync(ROOT, copy, { recursive: true, filter: (path) => !MADE.has(basename(path)) });
  mkdirSync(join(copy, "node_modules"));
  for (const name of readdirSync(join(ROOT, "node_modules")))
    if (!/^\.(stamp|sprite-env)/.test(name))
      symlinkSync(join(ROOT, "node_modules", name), join(copy, "node_modules", name));
  writeFileSync(join(copy, "node_modules/.stamp"), "");
  return copy;
}

it("make build leaves a checkout in which both programs run", () => {
  const checkout = freshCheckout();

  expect(run(checkout, "make", "build")).toMatchObject({ code: 0 });
  for (const name of ["sprite-env", "spritectl"])
    expect(run(checkout, join(checkout, "bin", name), "-version")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(`^${name} \\d`) as string,
    });
  expect(run(checkout, "make", "build").stdout).toContain("Nothing to be done");
}, 240_000);

it("make test builds what somebody would download, and then runs every test", () => {
  const commands = planned("test");
  const [build, release, test] = ["npm run -s build", "npm run -s release -- all", "npm -s test"];

  expect(commands.filter((command) => [build, release, test].includes(command))).toEqual([
    build,
    release,
    test,
  ]);
});

it.each([
  ["release-all", "all"],
  ["release-linux-amd64", "linux-amd64"],
  ["release-linux-arm64", "linux-arm64"],
  ["release-darwin-amd64", "darwin-amd64"],
  ["release-darwin-arm64", "darwin-arm64"],
])("make %s builds, and then packs %s", (target, system) => {
  const commands = planned(target).filter((command) => command.startsWith("npm run -s"));

  expect(commands.slice(-2)).toEqual(["npm run -s build", `npm run -s release -- ${system}`]);
});
