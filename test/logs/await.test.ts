import { describe, expect, it } from "vitest";
import { holdsText } from "../../src/logs/await.ts";
import { prefixOf } from "../../src/logs/line.ts";
import { runShell, startLogs, textsIn, until, writeChunks } from "./harness.ts";

/** Opens an incarnation's pipes and counts how often a text was seen. */
async function awaiting(
  running: Awaited<ReturnType<typeof startLogs>>,
  text: string,
  incarnation = "in_1",
) {
  let times = 0;
  const seen = () => void (times += 1);
  const pipes = await running.logs.open("web", incarnation, { text, seen });
  return { ...pipes, times: () => times };
}

describe("a text that is awaited", () => {
  it.each([
    ["stdout", "echo 'LOG: ready to serve'"],
    ["stderr", "echo 'ready to serve' >&2"],
    ["pieces", "printf rea; sleep 0.05; printf 'dy to'; sleep 0.05; printf ' serve\\n'"],
    ["the last line, which has no newline", "printf 'ready to serve'"],
  ])("is seen in %s", async (_, script) => {
    const running = await startLogs();
    const awaited = await awaiting(running, "ready to serve");
    await runShell(awaited, script);
    await running.logs.finish("in_1", 5_000);

    expect(awaited.times()).toBe(1);
  });

  it("is seen while the service runs, as soon as its line is whole", async () => {
    const running = await startLogs();
    const awaited = await awaiting(running, "ready");
    await runShell(awaited, "printf 'ready, but no newline'; echo after >&2");
    const log = running.logs.fileOf("web");
    await until("what came after it is there", () => textsIn(log).includes("after"));
    expect(awaited.times()).toBe(0);
    await writeChunks(awaited.stdout, [Buffer.from("\n")]);

    await until("it is seen", () => awaited.times() === 1);
  });

  it("is told once", async () => {
    const running = await startLogs();
    const awaited = await awaiting(running, "ready");
    await runShell(awaited, "for i in 1 2 3; do echo ready; sleep 0.02; done");
    await running.logs.finish("in_1", 5_000);

    expect(awaited.times()).toBe(1);
  });

  it("is looked for in what the service writes, not in the stamps", async () => {
    const running = await startLogs();
    const awaited = await awaiting(running, "[stdout]");
    await runShell(awaited, "echo one; echo two");
    await running.logs.finish("in_1", 5_000);

    expect(awaited.times()).toBe(0);
  });

  it("is plain text: what a pattern would mean means nothing", async () => {
    const running = await startLogs();
    const awaited = await awaiting(running, "(a+)+$ [ü] .*");
    await runShell(awaited, "echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!; echo anything");
    await runShell(awaited, "echo 'x (a+)+$ [ü] .* y'");
    await running.logs.finish("in_1", 5_000);

    expect(awaited.times()).toBe(1);
  });

  it("is not found across two lines, nor in another service's or life's", async () => {
    const running = await startLogs();
    const awaited = await awaiting(running, "onetwo");
    const other = await running.logs.open("web", "in_2");
    await runShell(awaited, "printf 'one\\ntwo\\n'");
    await runShell(other, "echo onetwo");
    await running.logs.note("web", "onetwo");
    await running.logs.finish("in_2", 5_000);
    await running.logs.finish("in_1", 5_000);

    expect(awaited.times()).toBe(0);
  });

  it("is found behind much else, which is all kept", async () => {
    const running = await startLogs();
    const awaited = await awaiting(running, "at last");
    await runShell(awaited, "seq 200000; echo at last");
    await running.logs.finish("in_1", 20_000);

    expect(awaited.times()).toBe(1);
    expect(textsIn(running.logs.fileOf("web")).at(-1)).toBe("at last");
  });

  it("is found where nobody may write the log", async () => {
    const running = await startLogs(undefined, { totalBytes: 1, rotateBytes: 1 });
    const awaited = await awaiting(running, "ready");
    await runShell(awaited, "echo ready");
    await running.logs.finish("in_1", 5_000);

    expect(awaited.times()).toBe(1);
  });
});

describe("stamped lines", () => {
  const stamp = prefixOf(Date.UTC(2026, 5, 2), "stderr");
  const holds = (lines: string, text: string) => holdsText(Buffer.from(lines), Buffer.from(text));

  it("hold a text where one of them does behind its stamp", () => {
    expect(holds(`${stamp}one\n${stamp}two\n`, "two")).toBe(true);
    expect(holds(`${stamp}one\n${stamp}2026\n`, "2026")).toBe(true);
    expect(holds(`${stamp}[stderr] x\n`, "[stderr] x")).toBe(true);
    expect(holds(`${stamp}one\n${stamp}two\n`, "2026")).toBe(false);
    expect(holds(`${stamp}one\n${stamp}\n`, "Z [stderr] ")).toBe(false);
    expect(holds(`${stamp}one\n`, "e\n2026")).toBe(false);
    expect(holds("", "x")).toBe(false);
  });
});
