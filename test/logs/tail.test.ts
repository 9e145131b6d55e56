import { expect, it } from "vitest";
import { tailAndFollow } from "../../src/logs/tail.ts";
import { runShell, start, startLogs, until } from "./harness.ts";

it("gives the last lines, then what comes, none missing and none twice", async () => {
  const { logs } = await startLogs();
  const { stdout } = await logs.open("web", "in_1");
  let live = 0;
  logs.follow("web", () => (live += 1));
  start("sh", ["-c", `exec 1<>${stdout}; for n in $(seq 20000); do echo $n; done; exec sleep 60`]);
  await until("it writes", () => live > 500);
  const numbers: number[] = [];
  for await (const { text } of tailAndFollow(logs, "web", 500, new AbortController().signal)) {
    numbers.push(Number(text));
    if (text === "20000") break;
  }
  const first = numbers[0] ?? 0;
  expect(first).toBeLessThan(20_000);
  expect(numbers).toEqual(Array.from({ length: 20_001 - first }, (_, n) => first + n));
});

it("gives all there is where no count is asked for", async () => {
  const { logs } = await startLogs();
  await runShell(await logs.open("web", "in_1"), "seq 3000");
  await logs.finish("in_1", 5000);
  let count = 0;
  for await (const { text } of tailAndFollow(
    logs,
    "web",
    undefined,
    new AbortController().signal,
  )) {
    count += 1;
    if (text === "3000") break;
  }
  expect(count).toBe(3000);
});

it("ends when it is told to, also while no line comes", async () => {
  const { logs } = await startLogs();
  await logs.note("web", "only one");
  const leave = new AbortController();
  const texts: string[] = [];
  for await (const { text } of tailAndFollow(logs, "web", 10, leave.signal)) {
    texts.push(text);
    setTimeout(() => leave.abort(), 10);
  }
  expect(texts).toEqual(["only one"]);
});

it("leaves nothing out for a reader that is slower than the service", async () => {
  const { logs } = await startLogs();
  const pipes = await logs.open("web", "in_1");
  const reading = tailAndFollow(logs, "web", 0, new AbortController().signal);
  const first = reading.next();
  await runShell(pipes, "seq 100000");
  const numbers = [Number((await first).value.text)];
  for await (const { text } of reading) {
    numbers.push(Number(text));
    if (text === "100000") break;
    if (numbers.length % 10_000 === 0) await logs.position("web"); // any other work
  }
  expect(numbers).toEqual(Array.from({ length: 100_000 }, (_, n) => n + 1));
});
