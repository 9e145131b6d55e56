import * as fc from "fast-check";
import { expect, it } from "vitest";
import type { ServiceDefinition } from "../../machines/definition.ts";
import { toChange, toDefinition } from "../../src/api/definition-wire.ts";
import { changeBody, definitionBody, type DefinitionBody } from "../../src/api/schemas.ts";
import { serviceView } from "../../src/api/view-schemas.ts";
import { WIRE_NAMES } from "../../src/api/wire-names.ts";
import { oneService } from "../../src/api/wire.ts";
import { checker } from "../../src/config/checker.ts";
import { definitions, FIELDS } from "../support/definitions.ts";
import { view } from "./fake-services.ts";

const isBody = checker(definitionBody);
const isChange = checker(changeBody);
const isView = checker(serviceView);

const fieldNames = Object.keys(FIELDS) as (keyof ServiceDefinition)[]; // FIELDS has exactly these

const shown = (definition: ServiceDefinition) =>
  oneService(view({ definition, ...(definition.env && { envValues: definition.env }) }));

const asBody = (definition: ServiceDefinition): DefinitionBody =>
  JSON.parse(JSON.stringify(shown(definition))) as DefinitionBody; // the property says so

it("what GET shows of any definition is within its schema", () => {
  fc.assert(
    fc.property(definitions, (definition) => {
      expect(isView(shown(definition))).toBeUndefined();
    }),
  );
});

it("PUT takes back what GET shows of any definition, as the same definition", () => {
  fc.assert(
    fc.property(definitions, (definition) => {
      const body = asBody(definition);
      expect(isBody(body)).toBeUndefined();
      expect(toDefinition(body, "web")).toEqual(definition);
    }),
  );
});

it("PATCH takes back what GET shows of one field, and names no other", () => {
  fc.assert(
    fc.property(definitions, fc.constantFrom(...fieldNames), (definition, field) => {
      const wire = WIRE_NAMES[field];
      const body = { [wire]: asBody(definition)[wire] };
      expect(isChange(JSON.parse(JSON.stringify(body)))).toBeUndefined();
      const change = toChange(body, "web");
      if (definition[field] !== undefined) expect(change).toEqual({ [field]: definition[field] });
      else expect(Object.values(change).filter((value) => value !== null)).toEqual([]);
    }),
  );
});

it("PATCH removes each field but cmd by null, and no other", () => {
  for (const field of fieldNames.filter((one) => one !== "cmd")) {
    const body = { [WIRE_NAMES[field]]: null };
    expect(isChange(body), field).toBeUndefined();
    expect(toChange(body, "web")).toEqual({ [field]: null });
  }
});

it.each([
  [{ user: 1000 }, { user: "1000" }],
  [{ user: "0033" }, { user: "33" }],
  [{ group: 0 }, { group: "0" }],
  [{ umask: "27" }, { umask: 0o27 }],
  [{ umask: "0" }, { umask: 0 }],
  [{ success_exit_codes: [3, 0] }, { successExitCodes: [0, 3] }],
  [{ success_exit_codes: [] }, {}],
  [{ stop_signal: "sigint" }, { stopSignal: "INT" }],
  [{ stop_signal: "9" }, { stopSignal: "KILL" }],
  [{ stop_timeout: "0s" }, { stopTimeoutMs: 0 }],
  [{ window: "90s" }, { windowMs: 90_000 }],
  [{ ready: { tcp: 5432 } }, { ready: { kind: "tcp", port: 5432 } }],
  [{ ready: { http: { port: 80 } } }, { ready: { kind: "http", port: 80, path: "/" } }],
  [{ ready: { notify: true } }, { ready: { kind: "notify" } }],
  [{ ready: { fd: 3 } }, { ready: { kind: "fd", fd: 3 } }],
  [{ ready: { log: "ready to accept" } }, { ready: { kind: "log", text: "ready to accept" } }],
  [{ labels: {} }, {}],
  [{ oneshot: false }, { oneshot: false }],
])("reads %j", (fields, expected) => {
  const body = { cmd: "x", ...fields };

  expect(isBody(body)).toBeUndefined();
  expect(toDefinition(body as DefinitionBody, "web")).toEqual({ cmd: "x", ...expected });
});
