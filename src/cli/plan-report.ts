import type { StreamLineWire } from "../api/view-schemas.ts";
import { print, say } from "./output.ts";
import { stepText } from "./plan-text.ts";
import type { FieldChange, Step } from "./plan.ts";

/** How `apply` tells what it will do and what comes of it. */
export interface Report {
  step: (step: Step) => void;
  line: (name: string, line: StreamLineWire) => void;
}

/** For people: what changes, and then which service was started. */
export const textReport: Report = {
  step: (step) => print(stepText(step)),
  line: (name, line) => {
    switch (line.type) {
      case "started":
        return print(`${name} started`);
      case "pending":
        return print(`${name} is ${line.data ?? "pending"}`);
      case "error":
        return say(`${name}: ${line.data ?? "could not be started"}`);
      case "complete":
        return line.message === undefined ? undefined : print(`${name}: ${line.message}`);
      case "stdout":
      case "stderr":
      case "exit":
      case "stopping":
      case "stopped":
        return undefined;
    }
  },
};

/** For programs: one object a line, the plan first. */
export const jsonReport: Report = {
  step: ({ name, kind, changes }) =>
    print(JSON.stringify({ type: "plan", name, action: kind, changes: changes.map(changeJson) })),
  line: (name, line) => print(JSON.stringify({ name, ...line })),
};

/** Values of variables are in no output that nobody asked them for. */
function changeJson({ field, before, after }: FieldChange): object {
  if (!field.startsWith("env.")) return { field, before, after };
  return { field, was_set: before !== undefined, is_set: after !== undefined };
}
