import type { BootService } from "./boot-services.ts";

/** A service on the way to the last one that came up: when it was up, and how long its own start took, in milliseconds. */
export interface ChainLink {
  name: string;
  upMs: number;
  tookMs: number;
  heldBy?: BootService["heldBy"];
}

/**
 * The critical chain of a boot, as `systemd-analyze critical-chain` has it: the service that came up last, what its start had waited for, what
 * that one had waited for, and so on to the first. Who wants a boot to be faster makes one of these faster; no other helps.
 *
 * @returns the last one first; empty where nothing came up
 */
export function criticalChain(services: readonly BootService[]): ChainLink[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const chain: ChainLink[] = [];
  const seen = new Set<string>();
  let next = lastUp(services);
  while (next?.upMs !== undefined && next.askedMs !== undefined && !seen.has(next.name)) {
    const { name, upMs, askedMs, heldBy } = next;
    seen.add(name);
    chain.push({ name, upMs, tookMs: upMs - askedMs, ...(heldBy && { heldBy }) });
    next = heldBy && byName.get(heldBy.name);
  }
  return chain;
}

const lastUp = (services: readonly BootService[]): BootService | undefined =>
  services
    .filter(({ upSeq }) => upSeq !== undefined)
    .toSorted((one, other) => (other.upSeq ?? 0) - (one.upSeq ?? 0))[0];
