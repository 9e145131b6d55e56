import { createLogger } from "../base/logger.ts";
import { Bench } from "./bench.ts";
import type { WorkbenchRequest } from "./report.ts";
import { serveWorkbench } from "./server.ts";

export interface Workbench {
  url: string;
  address: string;
  /** Resolves when a signal ends it. */
  ended: Promise<void>;
}

/** Puts a machine file on the bench, and lets a browser look at it, until INT or TERM. */
export async function beginWorkbench(request: WorkbenchRequest): Promise<Workbench> {
  const logger = createLogger({ level: "warn", json: false, out: process.stderr });
  const bench = await Bench.open(request);
  const server = await serveWorkbench(bench, logger, "workbench");
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const end = (): void => {
    bench.close();
    void server.close().then(resolve);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, end);
  return { url: server.url, address: server.address, ended };
}
