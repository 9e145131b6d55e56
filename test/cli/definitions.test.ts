import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { cliReference } from "../../scripts/cli-reference.ts";
import { definitionBody } from "../../src/api/schemas.ts";
import { definitionArgs, LATER_FIELDS } from "../../src/cli/definition-args.ts";
import { described, explained, helpText, verbsOf } from "../../src/cli/help.ts";
import { root } from "../../src/cli/root.ts";
import type { AnyCommand } from "../../src/cli/verb.ts";

const kebab = (field: string): string => field.replaceAll("_", "-");

async function everyVerb(path: string, command: AnyCommand): Promise<[string, AnyCommand][]> {
  const found: [string, AnyCommand][] = [[path, command]];
  for (const [name, load] of Object.entries(await verbsOf(command))) {
    found.push(...(await everyVerb(`${path} ${name}`, await load())));
  }
  return found;
}

const VERBS = await everyVerb("sprite-env", root);

it("docs/cli.md is what scripts/cli-reference.ts makes of the definitions", async () => {
  const stored = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");

  expect(stored, "run: node scripts/cli-reference.ts").toBe(await cliReference());
});

it.each(VERBS)(
  "%s --help describes it, its flags, and shows how it is used",
  async (path, command) => {
    const verb = await described(path, command);

    expect(verb.meta.description).toBeTruthy();
    expect(verb.meta.examples?.length).toBeGreaterThan(0);
    for (const [name, arg] of verb.args) {
      expect(explained(arg), `${path}: ${name}`).toBeTruthy();
      expect(arg.type, `${path}: ${name}`).toBeTruthy();
    }
    for (const example of verb.meta.examples ?? []) expect(example).toContain("sprite-env");
    expect(helpText(verb)).toContain(`Usage: ${path}`);
  },
);

it("every field of a definition that the API takes has a flag", () => {
  const {
    name: _name,
    httpPort: _spelling,
    env_names: _hidden,
    ...fields
  } = definitionBody.properties;
  const writable = Object.entries(fields).filter(([, schema]) => !("readOnly" in schema));
  const flags = writable.flatMap(([field, schema]) =>
    "properties" in schema
      ? Object.keys(schema.properties).map((part) => `${kebab(field)}.${kebab(part)}`)
      : [kebab(field)],
  );

  const known = Object.keys(definitionArgs).filter(
    (flag) => !["arg", "env-var", "label", "from"].includes(flag),
  );
  expect(known.toSorted()).toEqual(flags.toSorted());
});

it("every field that the API refuses because it comes later is refused as a flag, too", () => {
  expect(LATER_FIELDS).toEqual(expect.arrayContaining(definitionBody["x-later"].map(kebab)));
});
