import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { inject } from "postject";
import { bundleCli } from "./build.ts";

/*
 * The single executable: Node, our code in bundles, the native parts and every file that the program ships with, in one file that runs when it is copied alone.
 * scripts/single/ is what begins in it; src/base/parts.ts is how the code finds what is inside.
 */

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const DIST = join(ROOT, "dist");

/** Marks the place for the blob in Node's own file. Source: Node's documentation, "Single executable applications". */
const FUSE = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";

/** What bin/launch.sh gives the daemon, and that no NODE_OPTIONS of the environment is ours: a container sets them for what runs in it. */
const EXEC_ARGV = [
  "--max-semi-space-size=1",
  "--disable-sigusr1",
  "--disable-warning=ExperimentalWarning",
];

/** Code that runs in a thread or process of its own, named from `src/`. */
const PARTS = ["journal-thread", "log-thread", "past-thread", "workbench/host"];

/** A system that the executable is made for, with what of it is taken out of which packages. */
export interface Target {
  node: string;
  koffi: string;
  sqlite: string;
  /** Whether it is the system this runs on: then compiled code goes in, too. */
  isOurs: boolean;
}

const WRAPPER = { banner: { js: "(function(exports,require,module,load){" }, footer: { js: "})" } };

/** The native parts come out of the executable: see scripts/single/natives.cjs. */
const nativesInside: Plugin = {
  name: "natives-inside",
  setup: (bundle) => {
    const natives = JSON.stringify(join(ROOT, "scripts/single/natives.cjs"));
    bundle.onLoad({ filter: /node_modules\/koffi\/index\.js$/ }, () => ({
      contents: `import { native } from ${natives}; export default native("koffi");`,
      loader: "js",
      resolveDir: ROOT,
    }));
    bundle.onLoad({ filter: /better-sqlite3\/lib\/binding\.js$/ }, () => ({
      contents: `exports.getBinding = () => require(${natives}).native("better_sqlite3");`,
      loader: "js",
      resolveDir: ROOT,
    }));
  },
};

async function bundled(
  entry: { file: string } | { contents: string },
  isWrapped: boolean,
): Promise<string> {
  const { outputFiles } = await build({
    ...("file" in entry
      ? { entryPoints: [join(ROOT, entry.file)] }
      : {
          stdin: { contents: entry.contents, resolveDir: join(ROOT, "src"), loader: "ts" as const },
        }),
    write: false,
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    keepNames: true,
    charset: "ascii",
    platform: "node",
    target: "node24",
    format: "cjs",
    define: { "import.meta.url": '"file:///"', "import.meta.dirname": '"/"' },
    legalComments: "none",
    logLevel: "warning",
    plugins: [nativesInside],
    ...(isWrapped && WRAPPER),
  });
  return outputFiles?.[0]?.text ?? "";
}

/** The modules that the command line loads when they are needed, each evaluated when it is asked for. */
const modulesEntry = (lazily: readonly string[]): string =>
  `export const modules = {${lazily
    .map(
      (name) =>
        `${JSON.stringify(`../src/${name}.js`)}: () => import(${JSON.stringify(`./${name}.ts`)})`,
    )
    .join(",")}};`;

function run(command: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: "utf8", cwd: ROOT });
  if (status !== 0) throw new Error(`${command} ${args[0] ?? ""} failed: ${stderr.trim()}`);
}

/** Files of a folder as assets under a name. */
function folderAssets(name: string, folder: string): [string, string][] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => join(folder, file))
    .filter((file) => statSync(file).isFile())
    .map((file) => [`${name}/${relative(folder, file)}`, file]);
}

/** What V8 compiles a bundle to: of no use to another V8. */
function compiled(file: string, cache: string): void {
  run(process.execPath, [...EXEC_ARGV, join(ROOT, "scripts/single/compile.cjs"), file, cache]);
}

/** Without what only a debugger reads: a fifth of the file. Where there is no such program it is larger. */
const stripped = (file: string): void => void spawnSync("strip", ["--strip-unneeded", file]);

/**
 * Writes the executable. `dist` must have been built.
 *
 * @param out the file
 * @param scratch a folder for what is made on the way
 */
export async function buildSingle(target: Target, out: string, scratch: string): Promise<void> {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  const at = (name: string): string => join(scratch, name);
  const put = (name: string, text: string): void => {
    mkdirSync(dirname(at(name)), { recursive: true });
    writeFileSync(at(name), text);
  };
  const lazily = await bundleCli(scratch);
  put("main.js", await bundled({ file: "scripts/single/main.cjs" }, false));
  put("modules.js", await bundled({ contents: modulesEntry(lazily) }, true));
  for (const part of PARTS) {
    const isProcess = part === "workbench/host";
    put(`${part}.js`, await bundled({ file: `src/${part}.ts` }, isProcess));
  }
  const cached = ["verbs.js", "modules.js", "workbench/host.js"];
  for (const name of cached) {
    if (target.isOurs) compiled(at(name), at(`${name}.cache`));
    else writeFileSync(at(`${name}.cache`), "");
  }
  const swaggerUi = dirname(
    createRequire(import.meta.url).resolve("@fastify/swagger-ui/package.json"),
  );
  const assets = Object.fromEntries([
    ...[...cached, ...cached.map((name) => `${name}.cache`)].map((name) => [name, at(name)]),
    ...PARTS.map((part) => [`${part}.js`, at(`${part}.js`)]),
    ["package.json", join(ROOT, "package.json")],
    ["koffi.node", target.koffi],
    ["better_sqlite3.node", target.sqlite],
    ...folderAssets("migrations", join(DIST, "migrations")),
    ...folderAssets("inspector", join(DIST, "inspector")),
    ...folderAssets("swagger-ui", join(swaggerUi, "static")),
  ]);
  put(
    "sea.json",
    JSON.stringify({
      main: at("main.js"),
      output: at("blob"),
      disableExperimentalSEAWarning: true,
      useCodeCache: false,
      execArgv: EXEC_ARGV,
      execArgvExtension: "none",
      assets,
    }),
  );
  run(process.execPath, ["--experimental-sea-config", at("sea.json")]);
  copyFileSync(target.node, at("node"));
  chmodSync(at("node"), 0o755);
  stripped(at("node"));
  await inject(at("node"), "NODE_SEA_BLOB", readFileSync(at("blob")), { sentinelFuse: FUSE });
  mkdirSync(dirname(out), { recursive: true });
  rmSync(out, { force: true });
  copyFileSync(at("node"), out);
  chmodSync(out, 0o755);
}
