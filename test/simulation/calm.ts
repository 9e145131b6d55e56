import { mustAgree } from "./audit.ts";
import { Broken, keeps } from "./broken.ts";
import { isUp, type Plain } from "./plain.ts";
import type { World } from "./world.ts";

/** How long a world without faults may take to become as everybody wants it, in milliseconds. */
export const CALM_MS = 60_000;

/** All faults end: the disk works, programs do as they should, and what nothing proves ours is ended by hand. */
export function calmDown({ disk, programs, kernel }: World): void {
  disk.mend();
  programs.mend();
  kernel.strangersLeave();
  kernel.beKind();
  for (const one of kernel.processes) if (one.program.hidden) kernel.exit(one, { signal: "KILL" });
}

/** After a calm minute: everybody has an answer, and every service is what its wish, its needs and its policy say. @throws Broken */
export function mustHaveSettled(world: World): void {
  const { daemon, people, ledger, kernel } = world;
  if (!daemon?.hasBooted) throw new Broken("liveness", "no daemon takes commands");
  for (const { id, request, state } of people.asked) {
    const isOpen = state === "sent" || state === "acknowledged";
    keeps(!isOpen, "liveness", () => `${request.verb} ${request.service} (${id}) has no end`);
  }
  mustAgree(daemon, ledger);
  for (const service of ledger.services.values()) mustBeSettled(service, ledger.services, world);
  for (const { service, pid, incarnation } of kernel.processes) {
    const isOpen = service === "" || ledger.services.get(service)?.open?.id === incarnation;
    keeps(isOpen, "I4", () => `process ${pid} of ${service} is left over`);
  }
}

function mustBeSettled(service: Plain, all: ReadonlyMap<string, Plain>, world: World): void {
  const { phase, name } = service;
  const expected = expectedPhase(service, all);
  const say = (what: string) => () =>
    `after a calm minute ${name} is ${phase}, ${what} (${service.desired}, ${service.ended ?? "not ended"})`;
  keeps(phase === expected, "liveness", say(`not ${expected}`));
  const main = world.kernel.mainOf(name);
  keeps((phase === "running") === (main !== undefined), "liveness", say(`with main ${main?.pid}`));
  const { pid } = service.open ?? {};
  keeps(main === undefined || main.pid === pid, "liveness", say(`as ${pid}, and is ${main?.pid}`));
}

function expectedPhase(service: Plain, all: ReadonlyMap<string, Plain>): string {
  const { deleting, desired, ended, definition, phase } = service;
  if (deleting) return "deleted";
  if (desired === "stopped" || ended === "ends well") return "stopped";
  if (ended === "ends badly") return "failed";
  if (phase === "running") return "running"; // only starts wait for needs
  const needs = definition.needs ?? [];
  return needs.every((need) => isUp(all.get(need))) ? "running" : "pending";
}
