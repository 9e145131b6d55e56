import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import { wantedServices } from "../../src/cli/wanted.ts";

const dir = mkdtempSync(join(tmpdir(), "sprite-wanted-"));
const path = join(dir, "services.json");
afterAll(() => rmSync(dir, { recursive: true }));

/** The names in their order, or the refusal. @throws what is no refusal in our words */
function order(content: string): string[] | AppError {
  writeFileSync(path, content);
  try {
    return wantedServices(path).map(({ name }) => name);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

const NAMES = ["a", "b", "c", "d", "e", "constructor"];
const graphs = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom(...NAMES),
    needs: fc.uniqueArray(fc.constantFrom(...NAMES, "elsewhere"), { maxLength: 3 }),
  }),
  { minLength: 1, selector: ({ name }) => name },
);

it("puts what is needed first, or names the circle, whatever the needs are", () => {
  fc.assert(
    fc.property(graphs, fc.boolean(), (services, asList) => {
      const needs = new Map(services.map((service) => [service.name, service.needs]));
      const list = services.map((service) => ({ ...service, cmd: "x" }));
      const byName = Object.fromEntries(list.map(({ name, ...definition }) => [name, definition]));
      const answer = order(JSON.stringify(asList ? list : byName));

      if (answer instanceof AppError) {
        const [, circle = ""] = /^needs go in a circle: (.+)$/.exec(answer.message) ?? [];
        const steps = circle.split(" → ");
        expect(steps.length).toBeGreaterThan(1);
        expect(steps[0]).toBe(steps.at(-1));
        steps.slice(1).forEach((need, at) => expect(needs.get(steps[at] ?? "")).toContain(need));
        return;
      }
      expect(answer.toSorted()).toEqual([...needs.keys()].toSorted());
      for (const [at, name] of answer.entries()) {
        const here = (needs.get(name) ?? []).filter((need) => needs.has(need));
        expect(answer.slice(0, at)).toEqual(expect.arrayContaining(here));
      }
    }),
    { numRuns: 200 },
  );
});

it("whatever a file holds is taken or refused in a sentence", () => {
  const content = fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc.uint8Array({ maxLength: 100 }).map((each) => Buffer.from(each).toString("latin1")),
    fc
      .dictionary(
        fc.string({ maxLength: 5 }),
        fc.record({ cmd: fc.jsonValue(), needs: fc.jsonValue() }),
      )
      .map((value) => JSON.stringify(value)),
    fc
      .array(fc.record({ name: fc.jsonValue(), cmd: fc.constant("x"), needs: fc.jsonValue() }))
      .map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(content, (text) => {
      const answer = order(text);
      if (answer instanceof AppError) expect(answer.message).toMatch(/\S/);
    }),
    { numRuns: 200 },
  );
});
