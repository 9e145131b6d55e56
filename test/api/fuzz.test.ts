import * as fc from "fast-check";
import { expect, it } from "vitest";
import { type OpenapiDocument, type RandomRequest, requestsOf } from "../support/requests-of.ts";
import { fakeApi } from "./fake-services.ts";
import { FakeLog, many } from "./fake-log.ts";

const RUNS = 4_000;
/** Of so many more, those of operations that no request has reached yet are asked. */
const MORE = 20_000;

it("whatever is asked, as the document has it or not quite, is answered or refused, never 500; and what is refused reaches nobody", async () => {
  const projections = {
    states: () => [{ name: "services", version: 1, seq: 20 }],
    rebuild: async () => {},
  };
  const { app, asked, logged } = fakeApi({}, { events: new FakeLog(many(20)), projections });
  const document = (await app.inject("/openapi.json")).json<OpenapiDocument>();
  const statuses = new Map<string, Set<number>>();
  const requests = requestsOf(document, { follow: "false" });
  const ask = async ({ operation, method, url, headers, body }: RandomRequest): Promise<void> => {
    asked.length = 0;
    const sent = body === undefined ? {} : { payload: body };
    const response = await app.inject({ method: method as "GET", url, headers, ...sent });
    statuses.set(operation, (statuses.get(operation) ?? new Set()).add(response.statusCode));

    expect(response.statusCode).toBeLessThan(500);
    if (response.statusCode < 400) return;
    expect(response.json()).toEqual(
      expect.objectContaining({ error: expect.any(String), message: expect.any(String) }),
    );
    expect(asked).toEqual([]);
  };
  await fc.assert(fc.asyncProperty(requests, ask), { numRuns: RUNS });
  const unreached = (): string[] =>
    [...statuses]
      .filter(([, seen]) => ![...seen].some((status) => status < 300))
      .map(([operation]) => operation);
  for (const request of fc.sample(requests, MORE))
    if (unreached().includes(request.operation)) await ask(request);

  expect(logged.join("")).not.toContain("a request failed inside");
  expect(unreached()).toEqual([]); // each operation was reached at least once
  expect(statuses.size).toBe(Object.values(document.paths).flatMap(Object.keys).length);
});
