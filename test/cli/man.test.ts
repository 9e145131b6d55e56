import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { manPages, writeManPages } from "../../scripts/man-pages.ts";
import { described, verbsOf } from "../../src/cli/help.ts";
import { root } from "../../src/cli/root.ts";
import { strict } from "../../src/cli/strict.ts";
import type { AnyCommand } from "../../src/cli/verb.ts";
import { temporary } from "./harness.ts";

const folder = temporary();

beforeAll(() => writeManPages(folder.path, "1.2.3"));
afterAll(() => folder.remove());

const pages = (): string[] => readdirSync(folder.path).map((file) => join(folder.path, file));

const has = (program: string): boolean => !spawnSync(program, ["-h"]).error;

async function everyVerb(path: string, command: AnyCommand): Promise<[string, AnyCommand][]> {
  const found: [string, AnyCommand][] = [[path, command]];
  for (const [name, load] of Object.entries(await verbsOf(command))) {
    found.push(...(await everyVerb(`${path} ${name}`, await load())));
  }
  return found;
}

const VERBS = await everyVerb("sprite-env", root);

it("every verb has a page", async () => {
  const names = VERBS.map(([path]) => `${path.replaceAll(" ", "-")}.1`);

  expect([...(await manPages("1.2.3")).keys()].toSorted()).toEqual(names.toSorted());
});

it.skipIf(!has("mandoc"))("mandoc finds nothing to warn of", () => {
  const { stdout } = spawnSync("mandoc", ["-Tlint", "-Wwarning", ...pages()], { encoding: "utf8" });

  expect(stdout).toBe("");
});

it.skipIf(!has("mandoc"))("a page reads as it was written", () => {
  const page = join(folder.path, "sprite-env-services-stop.1");
  const { stdout } = spawnSync("mandoc", ["-Tutf8", page], { encoding: "utf8" });
  const struckTwice = new RegExp(`.${String.fromCodePoint(8)}`, "g"); // bold
  const text = stdout.replaceAll(struckTwice, "").replaceAll(/\s+/g, " ");

  expect(text).toContain("sprite-env-services-stop - stop services");
  expect(text).toContain("--with-dependents First stop the running services that need it");
  expect(text).toContain("sprite-env services stop postgres --with-dependents");
  expect(text).toContain("sprite-env-services(1)");
});

it("what troff would take for its own is escaped", async () => {
  for (const [file, text] of await manPages("1.2.3")) {
    const odd = text
      .split("\n")
      .filter((line) => /^'|\\(?![-e&("])|^\.(?!\\"|TH|SH|B |BR|TP|PP|nf|fi)/.test(line));
    expect(odd, file).toEqual([]);
  }
});

it("the date is that of the build, or of what is built", async () => {
  process.env["SOURCE_DATE_EPOCH"] = "86400";
  try {
    expect((await manPages("1.2.3")).get("sprite-env.1")).toContain("1970-01-02");
  } finally {
    delete process.env["SOURCE_DATE_EPOCH"];
  }
});

/** Words of a command line up to what a shell would do itself. */
function wordsOf(line: string): string[] {
  const own = line.split(/\s[|>]/)[0] ?? "";
  const script = `printf '%s\\0' ${own.replaceAll(/"\$\([^)]*\)"/g, "x")}`;
  const { stdout } = spawnSync("bash", ["-c", script], { encoding: "utf8" });
  return stdout.split("\0").slice(0, -1);
}

const EXAMPLES = (
  await Promise.all(
    VERBS.map(async ([path, command]) =>
      ((await described(path, command)).meta.examples ?? []).map((line) => [path, line] as const),
    ),
  )
).flat();

it.each(EXAMPLES)("an example of %s can be typed: %s", async (_path, line) => {
  const [, ...words] = wordsOf(line.replace(/^.*?(?=sprite-env)/, ""));
  let command: AnyCommand = root;
  while (command.subCommands && words[0] !== undefined && !words[0].startsWith("-")) {
    const verb = words.shift() ?? "";
    const load = (await verbsOf(command))[verb];
    expect(load, `${verb} of: ${line}`).toBeDefined();
    if (load) command = await load();
  }
  const { meta, args } = await described("", command);

  if (!meta.literal && !command.subCommands) {
    expect(() => strict(words, Object.fromEntries(args), meta)).not.toThrow();
  }
});

it("every verb is in docs/cli.md", () => {
  const text = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");

  for (const [path] of VERBS.slice(1)) expect(text).toMatch(new RegExp(`^#+ ${path}$`, "m"));
});
