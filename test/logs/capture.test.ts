import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { ServiceLogs } from "../../src/logs/ports.ts";
import { startServiceLogs } from "../../src/logs/service-logs.ts";
import { textsIn, writeChunks } from "./harness.ts";
import { limits, modes } from "./limits.ts";

const directory = mkdtempSync(join(tmpdir(), "logs-"));
let logs: ServiceLogs;
let services = 0;

beforeAll(async () => {
  const places = { logDir: join(directory, "logs"), runDir: join(directory, "run") };
  logs = await startServiceLogs({ ...places, ...limits, ...modes, rotateBytes: 100_000_000 });
});
afterAll(async () => {
  await logs.close();
  rmSync(directory, { recursive: true });
});

/** What a log holds after a program wrote these chunks to its stdout. */
async function logged(chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const service = `service${services++}`;
  const { stdout } = await logs.open(service, service);
  await writeChunks(
    stdout,
    chunks.map((chunk) => Buffer.from(chunk)),
  );
  await logs.finish(service, 5000);
  return textsIn(logs.fileOf(service));
}

const latin1 = (text: string): string => Buffer.from(text).toString("latin1");
const x = (count: number): string => "x".repeat(count);

it("joins a line that comes in pieces", async () => {
  expect(await logged(["a", "b", "c\nd", "e\n"])).toEqual(["abc", "de"]);
});

it("takes a last line without newline as a line", async () => {
  expect(await logged(["one\ntwo"])).toEqual(["one", "two"]);
});

it("joins a character that is split over reads", async () => {
  const bytes = Buffer.from("€😀");
  const chunks = [bytes.subarray(0, 1), bytes.subarray(1, 4), bytes.subarray(4), Buffer.from("\n")];
  expect(await logged(chunks)).toEqual([latin1("€😀")]);
});

it("keeps NUL bytes", async () => {
  expect(await logged(["a\0b\n\0\n"])).toEqual(["a\0b", "\0"]);
});

it("keeps the CR of CRLF, also where it comes alone", async () => {
  expect(await logged(["a\r\n", "b\r", "\n"])).toEqual(["a\r", "b\r"]);
});

it("keeps empty lines", async () => {
  expect(await logged(["\n\n\n"])).toEqual(["", "", ""]);
});

it("keeps bytes that are no UTF-8", async () => {
  const bytes = Buffer.from(Array.from({ length: 245 }, (_, n) => n + 11));
  expect(await logged([bytes, "\n"])).toEqual([bytes.toString("latin1")]);
});

it("leaves a line of exactly 64 kB whole", async () => {
  expect(await logged([x(65_535), "y\n"])).toEqual([`${x(65_535)}y`]);
});

it("cuts a longer line and flags what follows", async () => {
  expect(await logged([`${x(70_000)}\nz\n`])).toEqual([x(65_536), `[cont] ${x(4464)}`, "z"]);
});

it("cuts between characters, not inside one", async () => {
  const [first, second, third] = await logged([`a${"é".repeat(40_000)}`, "\nq\n"]);
  expect(first).toBe(latin1(`a${"é".repeat(32_767)}`));
  expect(second).toBe(latin1(`[cont] ${"é".repeat(7233)}`));
  expect(third).toBe("q");
});

it("cuts a line of 10 MB without losing a byte", async () => {
  const lines = await logged([x(5_000_000), x(5_000_000), "\nend\n"]);
  expect(lines.pop()).toBe("end");
  expect(lines.map((line) => line.replace("[cont] ", "").length).reduce((a, b) => a + b)).toBe(1e7);
  expect(lines.slice(1).every((line) => line.startsWith("[cont] "))).toBe(true);
});

it("joins lines that come byte by byte", async () => {
  const bytes = "hello world\n".repeat(3).split("");
  expect(await logged(bytes)).toEqual(Array(3).fill("hello world"));
});

it("keeps each of 200000 newlines", async () => {
  expect(await logged(["\n".repeat(200_000)])).toEqual(Array(200_000).fill(""));
});
