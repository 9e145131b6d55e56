import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { readEnvFile } from "../../src/effects/env-file.ts";
import { BadLine, parseEnvFile } from "../../src/effects/env-file-lines.ts";

const SECRET = "s3cr3t";

it.each([
  ["nothing", "", {}],
  ["empty lines and comments", "\n# A=1\n ; B=2\n\t\n", {}],
  ["a value as it stands", "A=1\nB=a=b\nC=x # y", { A: "1", B: "a=b", C: "x # y" }],
  ["white space around name and value", "  A =  two words \t\nB=x\r\n", { A: "two words", B: "x" }],
  ["no value", "A=\nB=''\nC=\"\"", { A: "", B: "", C: "" }],
  ["export", "export A=1\n export  B=2", { A: "1", B: "2" }],
  ["a dollar sign, which is one", "A=$HOME ${X}", { A: "$HOME ${X}" }],
  ["a backslash in an unquoted value", String.raw`A=a\ \\b\'` + "\\ ", { A: "a \\b' " }],
  ["a line that goes on", "A=a\\\nb \\\r\nc\nB=2", { A: "ab c", B: "2" }],
  ["quotes within a value", `A=it's "so"`, { A: `it's "so"` }],
  [
    "single quotes, which take all as it is",
    String.raw`A='a\n"$x\' `,
    { A: String.raw`a\n"$x` + "\\" },
  ],
  ["double quotes", String.raw`A="a\"b\\c\$d\`e\n"`, { A: String.raw`a"b\c$d` + "`e\\n" }],
  [
    "quotes over several lines",
    "A='x\ny'\nB=\"x\ny\\\nz\"\nC=1",
    { A: "x\ny", B: "x\nyz", C: "1" },
  ],
  ["white space in quotes", `A=" a "\nB=' '`, { A: " a ", B: " " }],
  ["quoted pieces side by side", `A="a"'b'"c"`, { A: "abc" }],
  ["a comment after a closing quote", `A="a" # b\nB='c'#d`, { A: "a", B: "c" }],
  ["the last of one name", "A=1\nA=2", { A: "2" }],
  ["a byte order mark", "\uFEFFA=1", { A: "1" }],
  ["a last line without an end", "A=1\nB=2", { A: "1", B: "2" }],
  ["a comment with line ends of other systems in it", "# a\rB=1\u2028C=2\nA=1", { A: "1" }],
])("takes %s", (_, text, values) => {
  expect(parseEnvFile(text)).toEqual(values);
});

it("takes a name that objects have anyway as any other", () => {
  expect(Object.entries(parseEnvFile("__proto__=1\nconstructor=2"))).toEqual([
    ["__proto__", "1"],
    ["constructor", "2"],
  ]);
});

it.each([
  ["without =", `A=1\n${SECRET}`, 2, "has no ="],
  ["with nothing before its =", `\n\n=${SECRET}`, 3, "has no name"],
  ["whose name begins with a digit", `1A=${SECRET}`, 1, "has no name"],
  ["whose name has a space", `${SECRET} B=1`, 1, "has no name"],
  ["whose name has a dot", `a.b=${SECRET}`, 1, "has no name"],
  ["that opens a quote for good", `A=1\nB="${SECRET}\nC=1`, 2, "never closed"],
  ["that opens a single quote for good", `A='${SECRET}`, 1, "never closed"],
  ["that goes on after its quote", `A="x\ny"${SECRET}`, 2, "goes on after the closing quote"],
  ["with a NUL", `A=1\nB=${SECRET}\0`, 2, "NUL"],
])("refuses a line %s by its number alone", (_, text, line, words) => {
  const refused = () => parseEnvFile(text);
  expect(refused).toThrow(words);
  expect(refused).toThrow(`line ${line} `);
  expect(refused).not.toThrow(SECRET);
});

const names = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/);
const values = fc
  .string({ unit: "binary" })
  .map((text) => text.toWellFormed().replaceAll("\0", ""));

it("gives back whatever was written in quotes", () => {
  fc.assert(
    fc.property(fc.dictionary(names, values), (written) => {
      const inQuotes = (value: string) => `"${value.replace(/["\\`$]/g, "\\$&")}"`;
      const lines = Object.entries(written).map(([name, value]) => `${name}=${inQuotes(value)}`);
      expect(parseEnvFile(lines.join("\n"))).toEqual({ ...written });
      const single = (value: string) => `'${value.replaceAll("'", `'"'"'`)}'`;
      const others = Object.entries(written).map(([name, value]) => `${name}=${single(value)}`);
      expect(parseEnvFile(others.join("\r\n"))).toEqual({ ...written });
    }),
  );
});

it("takes any text, or refuses one of its lines", () => {
  const pieces = fc.constantFrom(
    "A",
    "=",
    "'",
    '"',
    "\\",
    "\n",
    "\r",
    " ",
    "#",
    "$",
    "\0",
    "é",
    "export ",
  );
  fc.assert(
    fc.property(
      fc.array(pieces).map((parts) => parts.join("")),
      (text) => {
        try {
          for (const [name, value] of Object.entries(parseEnvFile(text))) {
            expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
            expect(value).not.toContain("\0");
          }
        } catch (error) {
          if (!(error instanceof BadLine)) throw error;
          expect(error.line).toBeLessThanOrEqual(text.split("\n").length);
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

let dir: string;
const at = (name: string) => join(dir, name);
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "sprite-env-file-"));
  writeFileSync(at("good"), "A=1\n");
  symlinkSync("good", at("link"));
  writeFileSync(at("bad-line"), `A=1\n${SECRET}\n`);
  writeFileSync(at("latin1"), Buffer.from(`A=${SECRET}\xe9\n`, "latin1"));
  writeFileSync(at("just-right"), `A=${"x".repeat(999_998)}`);
  writeFileSync(at("too-big"), `A=${"x".repeat(999_999)}`);
  mkdirSync(at("folder"));
  symlinkSync("/dev/zero", at("device"));
  symlinkSync("loop", at("loop"));
  execFileSync("mkfifo", [at("fifo")]);
});
afterAll(() => rmSync(dir, { recursive: true }));

it("reads a file, through a link too, up to a megabyte", async () => {
  expect(await readEnvFile(at("good"))).toEqual({ A: "1" });
  expect(await readEnvFile(at("link"))).toEqual({ A: "1" });
  expect((await readEnvFile(at("just-right")))["A"]).toHaveLength(999_998);
});

it("reads a file that says it is empty and is not", async () => {
  await expect(readEnvFile("/proc/self/status")).rejects.toThrow("line 1 has no =");
});

it.each([
  ["missing", "ENOENT", "cannot be read: No such file or directory"],
  ["good/x", "ENOTDIR", "cannot be read: Not a directory"],
  ["loop", "ELOOP", "cannot be read: Too many levels of symbolic links"],
  ["folder", "EISDIR", "is a directory"],
  ["fifo", "EINVAL", "is a FIFO, and only a regular file is read"],
  ["device", "EINVAL", "is a device or socket, no regular file"],
  ["too-big", "EFBIG", "has more than 1000000 bytes"],
  ["latin1", "EILSEQ", "is no text in UTF-8"],
  ["bad-line", "EINVAL", ": line 2 has no ="],
])("says what is wrong with %s, and nothing of what is in it", async (name, errno, words) => {
  const refused: unknown = await readEnvFile(at(name)).catch((error: unknown) => error);
  expect(refused).toMatchObject({ spawnError: { errno } });
  const { message } = refused as Error;
  expect(message).toContain(`the environment file \`${at(name)}\``);
  expect(message).toContain(words);
  expect(message).not.toContain(SECRET);
});

it("refuses a path that is meant from somewhere", async () => {
  await expect(readEnvFile("good")).rejects.toThrow("is no absolute path");
});
