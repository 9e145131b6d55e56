import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build, type Plugin } from "esbuild";
import { writeManPages } from "./man-pages.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Built beside the old one and swapped in at the end, so that who runs `bin/sprite-env` meanwhile finds a whole `dist`. */
const NEXT = join(ROOT, "node_modules/.sprite-env-next");
const OLD = join(ROOT, "node_modules/.sprite-env-old");
const DIST = join(ROOT, "dist");

/** What a client verb must never load: it would cost more than the verb itself. */
const HEAVY = /node_modules\/(fastify|better-sqlite3|pino|xstate|koffi|ajv|nanoid|split2)\//;

/**
 * Keeps the daemon and the questions about the past out of the CLI's file: it imports them, when they are needed,
 * from the modules that tsc made (`dist/src/main.js`, `dist/src/offline/…`).
 */
const besides = (lazily: Set<string>): Plugin => ({
  name: "beside-the-bundle",
  setup: (bundle) => {
    bundle.onResolve(
      { filter: /\/(main|(?:offline|workbench)\/[\w-]+)\.ts$/ },
      ({ path, kind }) => {
        if (kind !== "dynamic-import")
          return { errors: [{ text: `${path} must be imported lazily` }] };
        const [, module = ""] = /((?:main|(?:offline|workbench)\/[\w-]+))\.ts$/.exec(path) ?? [];
        lazily.add(module);
        return { path: `../src/${module}.js`, external: true };
      },
    );
  },
});

function compile(project: string, outDir: string): void {
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const args = ["-p", join(ROOT, project), "--outDir", outDir];
  const { status } = spawnSync(tsc, args, { stdio: "inherit", cwd: ROOT });
  if (status !== 0) throw new Error("the sources have type errors: nothing was built");
}

/** An import of a file of ours; tsc leaves it as it stands in declarations, and only in those. */
const OWN_IMPORT = /((?:from|import\()\s*"\.[^"]*)\.ts"/g;

/**
 * The types of what the package exports, beside the modules. They import nothing that is not shipped.
 *
 * @throws where a declaration would need a package
 */
export function declareClient(outDir: string): void {
  compile("tsconfig.client.json", outDir);
  for (const file of readdirSync(outDir, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".d.ts")) continue;
    const text = readFileSync(join(outDir, file), "utf8").replaceAll(OWN_IMPORT, '$1.js"');
    const [, foreign] = /(?:from|import\()\s*"((?!\.|node:)[^"]+)"/.exec(text) ?? [];
    if (foreign !== undefined) throw new Error(`${file} imports types of ${foreign}`);
    writeFileSync(join(outDir, file), text);
  }
}

/**
 * Bundles the CLI into one minified CommonJS file, the form of a program that Node starts fastest, wrapped as Node
 * wraps one, with a loader (`sprite-env.cjs`).
 *
 * @param folder where they go; `../src/` beside it must hold the compiled modules
 * @returns the modules that it loads when they are needed, named from `src/` and without their ending
 * @throws where something heavy got into it
 */
export async function bundleCli(folder: string): Promise<readonly string[]> {
  const lazily = new Set<string>();
  const { metafile, outputFiles } = await build({
    entryPoints: [join(ROOT, "src/cli/sprite-env.ts")],
    outfile: join(folder, "verbs.js"),
    write: false,
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    charset: "ascii",
    platform: "node",
    target: "node22.18",
    format: "cjs",
    banner: { js: "(function(exports,require,module,load){" },
    footer: { js: "})" },
    define: { SPRITE_ENV_VERSION: JSON.stringify(version()) },
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
    plugins: [besides(lazily)],
  });
  const heavy = Object.keys(metafile.inputs).filter((input) => HEAVY.test(input));
  if (heavy.length > 0) throw new Error(`the CLI's bundle must not contain ${heavy.join(", ")}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "verbs.js"), withLoad(outputFiles[0]?.text ?? ""));
  copyFileSync(join(ROOT, "scripts/cli-loader.cjs"), join(folder, "sprite-env.cjs"));
  copyFileSync(join(ROOT, "scripts/early-signals.cjs"), join(folder, "early-signals.cjs"));
  return [...lazily].toSorted();
}

/** Code that was compiled beforehand cannot import (Node warns that it is an experiment), so the loader does it. */
const withLoad = (text: string): string => text.replaceAll('import("../src/', 'load("../src/');

function version(): string {
  const text = readFileSync(join(ROOT, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version; // our own file
}

/** The page of the inspector, with its files compressed beforehand: it is sent more often than it is built. */
export async function buildPage(folder: string): Promise<void> {
  const { build: buildWithVite } = await import("vite");
  await buildWithVite({
    configFile: false,
    root: join(ROOT, "src/inspector/page"),
    base: "/inspector/",
    logLevel: "warn",
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      outDir: folder,
      emptyOutDir: true,
      target: "es2023",
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0, // the page's policy allows no script or style in a data: address
      reportCompressedSize: false,
    },
  });
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!/\.(js|css|html|svg)$/.test(name)) continue;
    const bytes = readFileSync(join(folder, name));
    writeFileSync(join(folder, `${name}.br`), brotliCompressSync(bytes));
    writeFileSync(join(folder, `${name}.gz`), gzipSync(bytes, { level: 9 }));
  }
}

/** Lets a bundled CLI list no services once, and keeps the code that V8 compiled for it. */
export async function keepCompiled(folder: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "sprite-env-build-"));
  const socket = join(scratch, "s");
  const server = createServer((_request, response) => response.end("[]")).listen(socket);
  try {
    await once(server, "listening");
    const child = spawn(process.execPath, [join(ROOT, "scripts/cli-cache.cjs"), folder, socket]);
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`the CLI that was built does not run: exit code ${code}`);
  } finally {
    server.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function swapIn(): void {
  rmSync(OLD, { recursive: true, force: true });
  if (existsSync(DIST)) renameSync(DIST, OLD);
  renameSync(NEXT, DIST);
  rmSync(OLD, { recursive: true, force: true });
}

async function buildAll(): Promise<void> {
  rmSync(NEXT, { recursive: true, force: true });
  compile("tsconfig.build.json", NEXT);
  declareClient(NEXT);
  await bundleCli(join(NEXT, "cli"));
  await keepCompiled(join(NEXT, "cli"));
  await writeManPages(join(NEXT, "man"), version());
  await buildPage(join(NEXT, "inspector"));
  cpSync(join(ROOT, "migrations"), join(NEXT, "migrations"), { recursive: true });
  swapIn();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await buildAll();
  } catch (error) {
    console.error(`build: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
