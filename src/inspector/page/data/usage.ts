import { effect, signal } from "@preact/signals";
import { get } from "./http.ts";
import { connection } from "./feed.ts";
import { isPast, now } from "./time.ts";
import type { Usage } from "./wire.ts";

/** What a service takes of the machine. `cpu`: share of one processor, 1 is all of it; undefined until it was looked at twice. */
export interface Taken {
  cpu: number | undefined;
  rss: number;
}

export const usage = signal<ReadonlyMap<string, Taken>>(new Map());

let before: Usage | undefined;
const EVERY_S = 3;

/** Looks every few seconds, while somebody looks at the page and at the present. */
export function followUsage(): void {
  let ticks = 0;
  effect(() => {
    void now.value;
    if (isPast.value || connection.value.state !== "open") return;
    if (ticks++ % EVERY_S === 0) void look();
  });
}

async function look(): Promise<void> {
  const answer = await get<Usage>("/v1/usage").catch(() => undefined);
  if (!answer) return;
  const elapsed = before ? answer.at - before.at : 0;
  usage.value = new Map(
    Object.entries(answer.services).map(([name, { cpu_ms, rss_bytes }]) => {
      const last = before?.services[name]?.cpu_ms;
      const spent =
        last === undefined || elapsed <= 0 ? undefined : Math.max(0, cpu_ms - last) / elapsed;
      return [name, { cpu: spent, rss: rss_bytes }];
    }),
  );
  before = answer;
}
