import { expect, it, onTestFinished } from "vitest";
import { createLogger } from "../../src/base/logger.ts";
import type { MachineReport } from "../../src/inspector/page/machine/workbench-wire.ts";
import { serveWorkbench } from "../../src/workbench/server.ts";
import { until } from "../support/until.ts";

/** Reports that come at one's will. */
class GivenBench {
  report = this.#at(0);
  #listener = (): void => {};

  #at(loaded_at: number): MachineReport {
    const none = { kind: null, error: null, graph: null, reach: null, compared: null };
    return { file: "/light.ts", export: "light", exports: [], loaded_at, replay: null, ...none };
  }

  listen(listener: () => void): () => void {
    this.#listener = listener;
    return () => {};
  }

  paper(): Promise<never> {
    return Promise.reject(new Error("nobody asks for this"));
  }

  tell(loadedAt: number): void {
    this.report = this.#at(loadedAt);
    this.#listener();
  }
}

it("who is behind with the reports skips some, and has the last", async () => {
  const bench = new GivenBench();
  const logger = createLogger({ level: "info", json: true, out: { write: () => {} } });
  const server = await serveWorkbench(bench, logger, "1.2.3");
  onTestFinished(() => server.close());
  const entered = await fetch(server.url, { redirect: "manual" });
  const cookie = entered.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  const live = await fetch(`http://${server.address}/workbench/live`, {
    headers: { cookie, "sprite-page": "1" },
  });
  expect([entered.status, live.status]).toEqual([303, 200]);
  let text = "";
  void live.body
    ?.pipeThrough(new TextDecoderStream())
    .pipeTo(new WritableStream({ write: (part) => void (text += part) }))
    .catch(() => {}); // it is cut at the end
  const seen = (): number[] =>
    [...text.matchAll(/^data: (.+)$/gm)].map(
      ([, json]) => (JSON.parse(json ?? "") as MachineReport).loaded_at,
    );
  await until("the first report is there", () => seen().includes(0));

  for (let at = 1; at <= 500; at += 1) bench.tell(at); // in one turn: only the first is on its way

  await until("the last is there", () => seen().includes(500));
  expect(seen().length).toBeLessThan(500);
  expect(seen()).toEqual([...seen()].toSorted((a, b) => a - b));
});
