import type { ProbeRunner, Report } from "../../src/runtime/ports.ts";
import type { Kernel, Process } from "./kernel.ts";
import type { Cancel, Plans } from "./scheduler.ts";

export interface ProbePorts {
  kernel: Kernel;
  plans: Plans;
  report: Report;
}

/** Between two questions whether something is ready, in milliseconds. */
const READY_EVERY_MS = 250;
/** A no that lasts so long is reported, in milliseconds. */
const UNREADY_MS = 3_000;

/** Questions put to processes of the simulated world, as `src/runtime/ports.ts` promises them. */
export class SimulatedProbes implements ProbeRunner {
  readonly #ports: ProbePorts;
  readonly #asking = new Map<string, Set<Cancel>>();

  constructor(ports: ProbePorts) {
    this.#ports = ports;
  }

  startHealth(request: Parameters<ProbeRunner["startHealth"]>[0]): void {
    const { stream, incarnation, everyMs, failures: limit } = request;
    let failures = 0;
    this.#repeat(incarnation, everyMs, everyMs, (main) => {
      const ok = main !== undefined && main.program.healthy && !main.isStopped;
      const isChanged = ok === failures > 0;
      failures = ok ? 0 : failures + 1;
      const reason = "no answer within 5s";
      const fact = { type: "health.changed", incarnation, ok, ...(!ok && { reason }) } as const;
      if (failures < limit) {
        if (isChanged) this.#ports.report(stream, [fact]);
        return true;
      }
      this.#ports.report(stream, [{ type: "health.failed", incarnation, reason, failures }]);
      return false;
    });
  }

  startReadiness({ stream, incarnation }: Parameters<ProbeRunner["startReadiness"]>[0]): void {
    let noes = 0;
    this.#repeat(incarnation, 0, READY_EVERY_MS, (main) => {
      if (main?.isReady && !main.isStopped) {
        this.#ports.report(stream, [{ type: "readiness.reached", incarnation }]);
        return false;
      }
      noes += 1;
      if (noes === Math.ceil(UNREADY_MS / READY_EVERY_MS)) {
        const reason = "connection refused";
        this.#ports.report(stream, [{ type: "readiness.failed", incarnation, reason }]);
      }
      return true;
    });
  }

  stop({ incarnation }: { incarnation: string }): void {
    for (const cancel of this.#asking.get(incarnation) ?? []) cancel();
    this.#asking.delete(incarnation);
  }

  /** @param ask told the main process; false: asks no more */
  #repeat(
    incarnation: string,
    firstMs: number,
    everyMs: number,
    ask: (main: Process | undefined) => boolean,
  ): void {
    const all = this.#asking.get(incarnation) ?? new Set<Cancel>();
    this.#asking.set(incarnation, all);
    const again = (ms: number): void => {
      const cancel = this.#ports.plans.after(ms, () => {
        all.delete(cancel);
        const main = this.#ports.kernel.of(incarnation).find(({ role }) => role === "main");
        if (ask(main)) again(everyMs);
      });
      all.add(cancel);
    };
    again(firstMs);
  }
}
