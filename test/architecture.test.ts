import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

/** The layers of docs/architecture.md: an import may only point to a lower rank; folders of one rank do not know each other. */
const RANKS: Record<string, number> = {
  machines: 0,
  base: 0,
  posix: 0,
  journal: 1,
  logs: 1,
  pid1: 1,
  config: 1,
  runtime: 2,
  projections: 2,
  diagram: 2,
  effects: 3,
  commands: 3,
  api: 4,
  client: 5,
  inspector: 6,
  daemon: 6,
  "main.ts": 7,
  "journal-thread.ts": 6,
  "log-thread.ts": 6,
  "past-thread.ts": 7,
  offline: 6,
  workbench: 7,
  cli: 8,
};

/** Packages a folder may use; Node's own modules are free to all but machines/. */
const PACKAGES: Record<string, readonly string[]> = {
  machines: ["xstate"],
  base: ["pino", "nanoid", "split2"],
  posix: ["koffi"],
  journal: ["better-sqlite3"],
  config: ["ajv", "json-schema-to-ts"],
  runtime: ["xstate"],
  diagram: ["xstate", "elkjs"],
  inspector: ["preact", "@preact/signals", "elkjs"],
  api: [
    "fastify",
    "@fastify/static",
    "@fastify/swagger",
    "@fastify/swagger-ui",
    "ajv",
    "json-schema-to-ts",
    "prom-client",
  ],
  offline: ["elkjs"],
  daemon: ["xstate", "@statelyai/inspect"],
  workbench: ["fastify", "xstate"],
  cli: ["citty"],
};

/** Who may spawn processes: the runners, and the command line for a browser. */
const SPAWNERS = new Set(["effects", "workbench"]);
const OPENS_A_BROWSER = "src/cli/commands/inspect.ts";

const root = resolve(import.meta.dirname, "..");

interface Import {
  from: string;
  target: string;
  typeOnly: boolean;
}

const sources = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(folder, file));

const IMPORT =
  /^(import type|import|export|\})[^"';]*from "([^"]+)";$|^import "([^"]+)";$|\bimport\("([^"]+)"\)/gm;

/** Import and export specifiers of a file; types count like values. */
const importsOf = (file: string): Import[] =>
  [...readFileSync(join(root, file), "utf8").matchAll(IMPORT)].map(([, word, ...targets]) => ({
    from: file,
    target: targets.find(Boolean) ?? "",
    typeOnly: word === "import type",
  }));

/** `runtime` of `src/runtime/boot.ts`; `main.ts` of `src/main.ts`. */
const folderOf = (file: string): string => {
  const [top = "", second = ""] = file.split("/");
  return top === "machines" ? top : second;
};

const files = [...sources("machines"), ...sources("src")];
const imports = files.flatMap(importsOf);
const own = imports.filter(({ target }) => target.startsWith("."));
const packages = imports.filter(
  ({ target }) => !target.startsWith(".") && !target.startsWith("node:"),
);

describe("the layers", () => {
  it("are looked at in whole", () => {
    expect(files.length).toBeGreaterThan(100);
    expect(own.length).toBeGreaterThan(300);
    expect(
      [...new Set(files.map(folderOf))].filter((folder) => RANKS[folder] === undefined),
    ).toEqual([]);
  });

  it("import only from below, and never from beside", () => {
    const wrong = own.flatMap(({ from, target }) => {
      const to = relative(root, resolve(root, dirname(from), target));
      const [here, there] = [folderOf(from), folderOf(to)];
      if (here === there) return [];
      return (RANKS[there] ?? 99) < (RANKS[here] ?? -1) ? [] : [`${from} -> ${to}`];
    });
    expect(wrong).toEqual([]);
  });

  it("use only their own packages", () => {
    const composition = new Set(["main.ts", "journal-thread.ts", "log-thread.ts"]);
    const wrong = packages.filter(({ from, target }) => {
      const folder = folderOf(from);
      const name = target
        .split("/")
        .slice(0, target.startsWith("@") ? 2 : 1)
        .join("/");
      return !composition.has(folder) && !PACKAGES[folder]?.includes(name);
    });
    expect(wrong).toEqual([]);
  });

  it("let machines use nothing but xstate and each other", () => {
    const wrong = imports.filter(
      ({ from, target }) =>
        from.startsWith("machines/") && target !== "xstate" && !target.startsWith("./"),
    );
    expect(wrong).toEqual([]);
  });

  it("spawn processes in effects only", () => {
    const wrong = imports.filter(
      ({ from, target, typeOnly }) =>
        target === "node:child_process" &&
        !typeOnly &&
        !SPAWNERS.has(folderOf(from)) &&
        from !== OPENS_A_BROWSER,
    );
    expect(wrong).toEqual([]);
  });

  it("let only output.ts of the CLI write to standard output", () => {
    const wrong = files.filter(
      (file) =>
        !["src/cli/output.ts", "src/main.ts"].includes(file) &&
        /process\.stdout|console\.(log|info)|writeSync\(1,/.test(
          readFileSync(join(root, file), "utf8"),
        ),
    );
    expect(wrong).toEqual([]);
  });
});
