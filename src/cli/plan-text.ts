import { paint } from "./output.ts";
import type { FieldChange, Step } from "./plan.ts";

/** What will be done with a service, in words. Values of variables are not shown. */
export function stepText({ name, kind, changes }: Step): string {
  const titles = {
    same: paint("dim", `  ${name} stays as it is`),
    new: paint("green", `+ ${name} is new`),
    changed: paint("yellow", `~ ${name} changes, and is replaced if it runs`),
  } as const satisfies Record<Step["kind"], string>;
  return [titles[kind], ...changes.map(changeText)].join("\n");
}

function changeText({ field, before, after }: FieldChange): string {
  if (field.startsWith("env.")) return `    ${field}: ${verb(before, after)}`;
  if (before === undefined) return `    ${field}: ${shown(after)}`;
  if (after === undefined) return `    ${field}: ${shown(before)} is removed`;
  return `    ${field}: ${shown(before)} → ${shown(after)}`;
}

function verb(before: unknown, after: unknown): string {
  if (before === undefined) return "is set";
  return after === undefined ? "is removed" : "gets another value";
}

const shown = (value: unknown): string =>
  Array.isArray(value) ? value.map(String).join(" ") : String(value);
