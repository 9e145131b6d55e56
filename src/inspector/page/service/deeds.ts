import { post, Refused } from "../data/http.ts";
import type { ServiceWire } from "../data/wire.ts";
import { confirm } from "../parts/confirm.tsx";
import { toast } from "../parts/toast.tsx";

export type Deed = "start" | "stop" | "restart";

/** What makes sense now. */
export function allowed({ state }: ServiceWire): readonly Deed[] {
  if (state.desired === "stopped") return ["start"];
  if (state.phase === "failed" || state.phase === "stopped") return ["start", "stop"];
  return ["restart", "stop"];
}

const path = (name: string, verb: string): string =>
  `/v1/services/${encodeURIComponent(name)}/${verb}`;

/** Does it, after a question where it hurts. The wish is on disk once the head of the answer is there; what comes of it the events tell. */
export async function act(deed: Deed, { name, state }: ServiceWire): Promise<void> {
  const isUp = state.pid !== undefined;
  if (deed !== "start" && isUp) {
    const yes = await confirm({
      title: `${deed === "stop" ? "Stop" : "Restart"} ${name}?`,
      text:
        deed === "stop"
          ? `Its process ${state.pid} is ended, and it stays stopped, also over boots, until somebody starts it.`
          : `Its process ${state.pid} is ended and a new one is started.`,
      verb: deed === "stop" ? "Stop it" : "Restart it",
      hurts: true,
    });
    if (!yes) return;
  }
  await tried(`${deed} ${name}`, () =>
    post(`${path(name, deed)}${deed === "stop" ? "" : "?duration=0s"}`),
  );
}

/** Signals that end most programs are asked about first. */
const DEADLY = new Set(["TERM", "KILL", "INT", "QUIT", "ABRT"]);
export const SIGNALS = [
  "HUP",
  "USR1",
  "USR2",
  "INT",
  "TERM",
  "QUIT",
  "STOP",
  "CONT",
  "KILL",
] as const;

export async function sendSignal(name: string, signal: string): Promise<void> {
  if (DEADLY.has(signal)) {
    const yes = await confirm({
      title: `Send SIG${signal} to ${name}?`,
      text: "Most programs end on it. The service counts that as a failure, since nobody asked it to stop, and its restart policy decides what comes next.",
      verb: `Send SIG${signal}`,
      hurts: true,
    });
    if (!yes) return;
  }
  await tried(`SIG${signal} to ${name}`, () => post("/v1/services/signal", { name, signal }));
}

async function tried(what: string, ask: () => Promise<Response>): Promise<void> {
  try {
    const reply = await ask();
    void reply.body?.cancel(); // the wish stands, whoever listens
    toast(`${what}: recorded`);
  } catch (error) {
    toast(`${what}: ${error instanceof Refused ? error.message : String(error)}`, true);
  }
}
