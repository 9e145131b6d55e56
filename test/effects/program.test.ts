import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { checkDirectory, explainRefusal, findProgram } from "../../src/effects/program.ts";

let dir: string;

/** An ELF header of 64 bytes for a machine, as elf(5) has it. */
function elf(machine: number, program?: string): Buffer {
  const header = Buffer.alloc(64);
  header.write("\u007fELF", "latin1");
  header.set([2, 1, 1], 4);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine, 18);
  if (program === undefined) return header;
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  const interp = Buffer.alloc(56);
  interp.writeUInt32LE(3, 0);
  interp.writeBigUInt64LE(120n, 8);
  interp.writeBigUInt64LE(BigInt(program.length + 1), 32);
  return Buffer.concat([header, interp, Buffer.from(`${program}\0`)]);
}

const [ours, foreign, foreignName] =
  process.arch === "arm64" ? [183, 62, "x86-64"] : [62, 183, "ARM (64-bit)"];

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "sprite-env-program-"));
  const file = (name: string, content: string | Buffer, mode = 0o755) => {
    writeFileSync(join(dir, name), content);
    chmodSync(join(dir, name), mode);
  };
  mkdirSync(join(dir, "bin"));
  mkdirSync(join(dir, "folder"));
  file("plain", "hello", 0o644);
  file("empty", "");
  file("text", "echo hello\n");
  file("script", "#!/bin/sh\nexit 0\n");
  file("bad-interpreter", "#! /no/such/shell -x\nexit 0\n");
  file("windows", "#!/bin/sh\r\nexit 0\r\n");
  file("no-interpreter", "#!\n");
  file("foreign", elf(foreign));
  file("cut", elf(ours).subarray(0, 10));
  file("other-libc", elf(ours, "/lib/ld-no-such.so.1"));
  file("bin/tool", "#!/bin/sh\n");
  file("bin/plain", "hello", 0o644);
  symlinkSync("missing", join(dir, "dangling"));
  execFileSync("mkfifo", [join(dir, "fifo")]);
});
afterAll(() => rmSync(dir, { recursive: true }));

const find = (cmd: string, searchPath = `/no/such:${join(dir, "bin")}:/usr/bin:/bin`) =>
  findProgram(cmd, { searchPath, dir });

it("takes a path as it stands, a relative one from the working directory", async () => {
  expect(await find("/bin/sh")).toBe("/bin/sh");
  expect(await find("./script")).toBe(join(dir, "script"));
  expect(await find("bin/tool")).toBe(join(dir, "bin/tool"));
});

it("looks a bare name up in the service's PATH, whose entries may be relative or empty", async () => {
  expect(await find("tool")).toBe(join(dir, "bin/tool"));
  expect(await find("tool", "bin")).toBe(join(dir, "bin/tool"));
  expect(await find("script", "/no/such:")).toBe(join(dir, "script"));
  expect(await find("sh")).toMatch(/^\/(usr\/)?bin\/sh$/);
});

it("goes on where an entry of PATH has the name without the right to run it", async () => {
  writeFileSync(join(dir, "folder/tool"), "", { mode: 0o644 });
  expect(await find("tool", `folder:bin`)).toBe(join(dir, "bin/tool"));
});

it("takes an entry of PATH that cannot be looked into for one without the program", async () => {
  const tooLong = `/${"x".repeat(300)}`;
  expect(await find("tool", `${tooLong}:bin`)).toBe(join(dir, "bin/tool"));
  await expect(find("no-such-tool", tooLong)).rejects.toThrow("`no-such-tool` not found");
  await expect(find(`${tooLong}/tool`)).rejects.toThrow("cannot be reached: File name too long");
});

it("says exactly what the log shows for a program that is not there", async () => {
  await expect(find("/usr/bin/does-not-exist")).rejects.toThrow(
    /^executable file `\/usr\/bin\/does-not-exist` not found: No such file or directory$/,
  );
});

it.each([
  ["no-such-tool", "ENOENT", "executable file `no-such-tool` not found"],
  ["./dangling", "ENOENT", "executable file `./dangling` not found"],
  ["./plain", "EACCES", "/plain` is not executable: Permission denied; chmod +x "],
  ["plain", "EACCES", "/bin/plain` is not executable: Permission denied"],
  ["./folder", "EACCES", "/folder` is a directory, not a program"],
  ["./fifo", "EACCES", "/fifo` is not a regular file"],
  ["./empty", "ENOEXEC", "/empty` is an empty file: Exec format error"],
  ["./text", "ENOEXEC", "/text` is neither a program of this machine nor a script"],
  ["./foreign", "ENOEXEC", `/foreign\` is a program for ${foreignName}, this machine is`],
  ["./cut", "ENOEXEC", "/cut` is cut off"],
  ["./bad-interpreter", "ENOENT", "asks for the interpreter `/no/such/shell`, which cannot be run"],
  [
    "./windows",
    "ENOENT",
    "`/bin/sh\\r`, which cannot be run: No such file or directory; its lines end in CR LF",
  ],
  ["./no-interpreter", "ENOEXEC", "names no interpreter after its #!"],
  ["./other-libc", "ENOENT", "asks for the loader `/lib/ld-no-such.so.1`"],
  ["", "ENOENT", "executable file `` not found"],
])("says what is wrong with %j", async (cmd, errno, words) => {
  await expect(find(cmd)).rejects.toMatchObject({
    spawnError: { errno, message: expect.stringContaining(words) as string },
  });
});

it("says where arguments go to whoever put them into the command", async () => {
  await expect(find("npm start --port 3000")).rejects.toThrow(
    "executable file `npm start --port 3000` not found: No such file or directory; arguments are given apart from the program: --cmd npm --args start,--port,3000",
  );
});

it("runs a program whose name has a space", async () => {
  copyFileSync(join(dir, "script"), join(dir, "my script"));
  expect(await find("./my script")).toBe(join(dir, "my script"));
});

it("looks again at a file that was replaced", async () => {
  const path = join(dir, "changes");
  copyFileSync(join(dir, "script"), path);
  expect(await find(path)).toBe(path);
  writeFileSync(path, "#!/no/such/interpreter/at-all\n");
  await expect(find(path)).rejects.toThrow("/no/such/interpreter/at-all");
});

it("explains what the kernel refused", async () => {
  const refused = (code: string, name: string) =>
    explainRefusal(Object.assign(new Error(), { code }), join(dir, name), dir);
  expect((await refused("EAGAIN", "script")).spawnError).toEqual({
    errno: "EAGAIN",
    message: `cannot start \`${dir}/script\`: Resource temporarily unavailable`,
  });
  expect((await refused("EACCES", "script")).message).toContain("noexec");
  expect((await refused("ENOENT", "bad-interpreter")).message).toContain("/no/such/shell");
});

it.each([
  ["no-such", "ENOENT"],
  ["script", "ENOTDIR"],
])("names a working directory that cannot be entered: %s", async (name, errno) => {
  const path = join(dir, name);
  await expect(checkDirectory(path)).rejects.toMatchObject({
    spawnError: {
      errno,
      message: expect.stringContaining(
        `the working directory \`${path}\` cannot be entered`,
      ) as string,
    },
  });
});
