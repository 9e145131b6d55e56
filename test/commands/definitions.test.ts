import * as fc from "fast-check";
import { expect, it } from "vitest";
import { resolved, type ServiceDefinition } from "../../machines/definition.ts";
import { toChange, toDefinition } from "../../src/api/definition-wire.ts";
import type { DefinitionBody } from "../../src/api/schemas.ts";
import { WIRE_NAMES } from "../../src/api/wire-names.ts";
import { oneService } from "../../src/api/wire.ts";
import { caller, CommandWorld } from "../support/commands.ts";
import { definitions, FIELDS } from "../support/definitions.ts";

/** Each run has a world of its own: on a busy machine that takes its time. */
const PATIENCE = { timeout: 60_000 };

/** Definitions that a daemon takes: what they need is there, and their fields agree. */
const taken = definitions.filter(({ oneshot, ready }) => !(oneshot && ready));

const fields = (Object.keys(FIELDS) as (keyof ServiceDefinition)[]).filter(
  (field) => field !== "needs" && field !== "cmd",
);

/** A world with a service of that definition that was given the time to start, and all it needs. */
async function worldWith(definition: ServiceDefinition): Promise<CommandWorld> {
  const world = new CommandWorld();
  await world.boot();
  for (const need of definition.needs ?? []) {
    await world.commands.put(need, { cmd: need }, 0, caller);
  }
  await world.commands.put("web", definition, 0, caller);
  await world.settle();
  return world;
}

const viewOf = (world: CommandWorld, definition: ServiceDefinition) => ({
  ...world.commands.get("web", caller),
  definition,
  ...(definition.env && { envValues: definition.env }),
});

const shown = (world: CommandWorld): DefinitionBody => {
  const view = world.commands.get("web", caller);
  return JSON.parse(JSON.stringify(oneService(view))) as DefinitionBody; // what GET sends
};

it(
  "what get shows of any definition, PUT takes back and leaves the service alone",
  PATIENCE,
  async () => {
    await fc.assert(
      fc.asyncProperty(taken, async (definition) => {
        fc.pre(!(definition.needs ?? []).includes("web"));
        const world = await worldWith(definition);
        const before = world.rows.length;
        const processes = world.spawned.length;

        await world.commands.put("web", toDefinition(shown(world), "web"), 0, caller);
        await world.settle();

        const changes = world.rows.slice(before).filter(({ type }) => type === "service.changed");
        expect(changes).toEqual([]);
        expect(world.spawned).toHaveLength(processes);
      }),
    );
  },
);

it("PATCH of one field changes that one alone", PATIENCE, async () => {
  await fc.assert(
    fc.asyncProperty(taken, taken, fc.constantFrom(...fields), async (definition, other, field) => {
      fc.pre(!(definition.needs ?? []).includes("web"));
      fc.pre(
        !((field === "ready" || field === "oneshot") && (definition.ready ?? definition.oneshot)),
      );
      const world = await worldWith(definition);
      const wire = WIRE_NAMES[field];
      const { [wire]: wanted } = oneService(viewOf(world, other));

      await world.commands.update("web", toChange({ [wire]: wanted ?? null }, "web"), 0, caller);

      // With defaults in place: to remove a default that was written out changes nothing.
      const { definition: after, envValues } = world.commands.get("web", caller);
      expect(resolved({ ...after, ...(envValues && { env: envValues }) })).toEqual(
        resolved({ ...definition, [field]: other[field] }),
      );
    }),
  );
});

it("refuses ready with oneshot, in a PUT and where a PATCH makes it so", async () => {
  const world = await worldWith({ cmd: "web", oneshot: true });
  const ready = { kind: "notify" } as const;
  const refusal = { code: "invalid_request", message: expect.stringContaining("leave ready out") };

  await expect(world.commands.update("web", { ready }, 0, caller)).rejects.toMatchObject(refusal);
  await expect(
    world.commands.put("web", { cmd: "web", oneshot: true, ready }, 0, caller),
  ).rejects.toMatchObject(refusal);
  expect(world.commands.get("web", caller).version).toBe(1);
});
