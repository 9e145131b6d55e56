import type { ProbeRunner } from "../runtime/ports.ts";

export const createProbes = (_: unknown): ProbeRunner => ({
  startHealth: () => {},
  startReadiness: () => {},
  stop: () => {},
});
