import { describe, expect, it } from "vitest";
import { resolved } from "../../machines/definition.ts";
import { definitionWire, toDefinition } from "../../src/api/definition-wire.ts";
import { definitionBody, type DefinitionBody } from "../../src/api/schemas.ts";
import { serviceView } from "../../src/api/view-schemas.ts";
import { WIRE_NAMES } from "../../src/api/wire-names.ts";
import { create } from "../../src/cli/commands/services/create.ts";
import { definitionFromFlags } from "../../src/cli/definition-flags.ts";
import { strict } from "../../src/cli/strict.ts";
import { checker } from "../../src/config/checker.ts";
import { headings, names, page, rowsOf, section } from "./markdown.ts";

const text = page("services.md");
const fields = Object.values(WIRE_NAMES);
const check = checker(definitionBody);

/** What a schema may say of a field that is absent. */
interface Standard {
  default?: string | number | boolean;
}

const kebab = (field: string): string => field.replaceAll("_", "-");

const linkedName = (cell: string): string => /^\[`(\w+)`\]\(#\1\)$/.exec(cell)?.[1] ?? cell;

const block = (part: string, language: string): string => {
  const [, code = ""] = new RegExp("```" + language + "\\n([^]*?)```").exec(part) ?? [];
  return code.trim();
};

/** Words of a command line, as a shell splits them; quotes are the only thing it knows. */
const words = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|[^\s"]+(?:"[^"]*")?/g)].map(([word]) => word.replaceAll('"', ""));

function fromFlags(line: string): unknown {
  const [program, noun, verb, ...rest] = words(line);
  expect([program, noun, verb]).toEqual(["sprite-env", "services", "create"]);
  const { args, repeated } = strict(rest, create.args as never, create.meta as never); // both are plain objects
  return definitionFromFlags(args as never, {
    arg: repeated.get("arg") ?? [],
    envVar: repeated.get("env-var") ?? [],
    label: repeated.get("label") ?? [],
  });
}

it("has a section and a row for every field of a definition, and for nothing else", () => {
  expect(headings(text).toSorted()).toEqual(fields.toSorted());
  const rows = text.split("\n").filter((line) => line.startsWith("| [`"));
  const linked = rows.map((row) => linkedName(row.split("|")[1]?.trim() ?? ""));
  expect(linked.toSorted()).toEqual(fields.toSorted());
});

it("every field of a definition can be written, and is shown, under the same name", () => {
  const {
    name: _,
    httpPort: __,
    env_names: ___,
    state: ____,
    ...written
  } = definitionBody.properties;
  const { name: _1, env_names: _2, state: _3, ...shown } = serviceView.properties;

  expect(Object.keys(written).toSorted()).toEqual(fields.toSorted());
  expect(Object.keys(shown).toSorted()).toEqual(fields.toSorted());
});

describe.each(fields)("the section of %s", (field) => {
  const part = section(text, `### \`${field}\``);

  it("has an example in JSON that is taken, with the field in it", () => {
    const body = JSON.parse(block(part, "json")) as DefinitionBody;

    expect(check(body)).toBeUndefined();
    expect(body).toHaveProperty(field);
  });

  it("has the same example as flags", () => {
    const body = JSON.parse(block(part, "json")) as DefinitionBody;
    const flags = fromFlags(block(part, "sh")) as DefinitionBody;

    expect(block(part, "sh")).toContain(`--${kebab(field)}`);
    expect(toDefinition(flags, "x")).toEqual(toDefinition(body, "x"));
  });

  it("is written as get shows it", () => {
    const body = JSON.parse(block(part, "json")) as DefinitionBody;
    const { cmd, args = [], env, ...rest } = body;

    const shown = { cmd, args, ...(env && { env }), ...definitionWire(toDefinition(body, "x")) };
    expect(shown).toEqual({ cmd, args, needs: [], ...(env && { env }), ...rest });
  });

  it("names the default that the schema and the machine have", () => {
    const row = text.split("\n").find((line) => line.startsWith(`| [\`${field}\`]`)) ?? "";
    const [, , written = ""] = row.split("|").map((cell) => cell.trim());
    const { default: standard } = definitionBody.properties[field] as Standard;
    const code = /^`(.*)`$/.exec(written)?.[1];
    if (standard !== undefined) expect(code).toBe(`${standard}`);
    if (code === undefined || code === "default_dir") return;
    const given = { [field]: code.startsWith("[") || code === "false" ? JSON.parse(code) : code };
    const taken = toDefinition({ cmd: "x", ...given } as DefinitionBody, "x");
    expect(resolved(taken)).toEqual(resolved({ cmd: "x" }));
  });
});

it("has a row for every way to be ready", () => {
  const rows = rowsOf(section(text, "### `ready`"));

  expect(names(section(text, "### `ready`")).toSorted()).toEqual(
    Object.keys(definitionBody.properties.ready.properties).toSorted(),
  );
  for (const [part, flag] of rows) expect(flag).toBe(part?.replace(/^`(.*)`$/, "`--ready.$1`"));
});

it("names what is refused because it comes later", () => {
  const later = definitionBody["x-later"].map((name) => `\`${name}\``);

  expect(text).toContain(`${later.slice(0, -1).join(", ")} and ${later.at(-1)} are refused`);
});

it("names every part of backoff and health, with its default", () => {
  for (const field of ["backoff", "health"] as const) {
    const part = section(text, `### \`${field}\``);
    for (const [name, schema] of Object.entries(definitionBody.properties[field].properties)) {
      expect(part, `${field}.${name}`).toContain(`\`${name}\``);
      const { default: standard }: Standard = schema;
      if (standard === undefined) continue;
      const spoken = `${standard}`.replace(/^(\d+)(ms|s)$/, "$1 $2");
      expect(part, `${field}.${name}`).toMatch(new RegExp(`\`${name}\`[^\`]*\\(${spoken}\\)`));
    }
  }
});
