import * as fc from "fast-check";
import type { EventRow } from "../../src/journal/record.ts";
import { World } from "./world.ts";

const NAMES = ["web", "db"] as const;

/** What may happen to a world, as a number chooses. */
const MOVES: readonly ((world: World, name: string) => Promise<unknown>)[] = [
  (world, name) => world.create(name, name === "web" ? { needs: ["db"] } : {}),
  (world, name) => world.create(name, { oneshot: true }),
  (world, name) => world.create(name, { restart: "on-failure", maxFailures: 2 }),
  (world, name) => world.exits(name, { code: 1 }),
  (world, name) => world.exits(name, { code: 0 }),
  (world, name) => world.exits(name, { signal: "KILL" }),
  (world, name) => world.wish(`service/${name}`, { type: "service.stop_requested" }),
  (world, name) => world.wish(`service/${name}`, { type: "service.start_requested" }),
  (world, name) => world.wish(`service/${name}`, { type: "service.restart_requested" }),
  (world, name) => world.wish(`service/${name}`, { type: "service.delete_requested" }),
  (world) => world.pass(300),
  (world) => world.pass(40_000),
  (world) => world.boot(),
  async (world, name) => {
    const stream = `service/${name}`;
    const { version } = world.log.reader.lastOf(stream) ?? {};
    if (version === undefined || !world.phase(name)) return;
    const quarantined = { type: "stream.quarantined", stream, reason: "a test" };
    await world.wish("environment/sprite", quarantined);
    await world.wish("environment/sprite", { type: "stream.retired", stream, version });
    world.registry.forget(stream);
  },
  async (world) => {
    for (const process of world.processes.values()) process.alive = false;
    world.machineBoot += "+";
    await world.boot();
  },
];

/** The log of a world in which these moves were made; one that is refused is left out. */
export async function historyOf(
  moves: readonly (readonly [number, number])[],
): Promise<EventRow[]> {
  const world = new World();
  await world.boot();
  for (const [move, name] of moves) {
    await MOVES[move % MOVES.length]?.(world, NAMES[name % NAMES.length] ?? "web").catch(() => {});
  }
  return world.rows;
}

/** Some moves, each with a choice of the service they are about. */
export const histories = fc.array(fc.tuple(fc.nat(MOVES.length - 1), fc.nat(1)), {
  minLength: 5,
  maxLength: 60,
});
