import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { clientTypes } from "../../scripts/client-types.ts";
import type { EventWire, HeadWire } from "../../src/api/event-wire.ts";
import type { ChangeBody, DefinitionBody } from "../../src/api/schemas.ts";
import type { ServiceWire, StreamLineWire } from "../../src/api/view-schemas.ts";
import type {
  EventRecord,
  LogHead,
  Service,
  ServiceChange,
  ServiceDefinition,
  StreamLine,
} from "../../src/client/types.ts";

/** Each of two types can stand for the other; else this is no type for `true`, and `tsc` says so. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

it("the client's types are what scripts/client-types.ts makes of the schemas", () => {
  const stored = readFileSync(new URL("../../src/client/types.ts", import.meta.url), "utf8");

  expect(stored, "run: node scripts/client-types.ts").toBe(clientTypes());
});

it("they are the same as the API's own", () => {
  const same: [
    Same<ServiceDefinition, DefinitionBody>,
    Same<ServiceChange, ChangeBody>,
    Same<Service, ServiceWire>,
    Same<StreamLine, StreamLineWire>,
    Same<EventRecord, EventWire>,
    Same<LogHead, HeadWire>,
  ] = [true, true, true, true, true, true];

  expect(same).not.toContain(false);
});
