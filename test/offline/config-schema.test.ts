import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, it } from "vitest";
import { editorSchema } from "../../src/offline/config-schema.ts";

const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
const validate = new Ajv2020({ strict: false }).compile(editorSchema());

it("docs/config.schema.json is what scripts/config-schema.ts makes", () => {
  expect(read("docs/config.schema.json")).toEqual(editorSchema());
});

it.each([
  ["the example", read("config.example.json")],
  ["nothing", {}],
  ["its own name", { $schema: "./config.schema.json" }],
  [
    "variables anywhere",
    {
      log_level: { $env: "LEVEL" },
      api_tokens: [{ name: "a", token: { $env: "T" } }],
      s3: { bucket: { $env: "B" } },
    },
  ],
  [
    "services",
    { services: { web: { cmd: "node", args: ["a", { $env: "B" }], env: { A: { $env: "A" } } } } },
  ],
])("takes %s", (_, config) => {
  expect(validate(config), JSON.stringify(validate.errors)).toBe(true);
});

it.each([
  ["an unknown key", { log_levle: "info" }],
  ["a wrong type", { log_rotate_keep: "many" }],
  ["a component without a start", { components: { db: {} } }],
  ["a service without a program", { services: { web: {} } }],
  ["a variable that is none", { log_level: { $env: 1 } }],
])("refuses %s", (_, config) => {
  expect(validate(config)).toBe(false);
});
