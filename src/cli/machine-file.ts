import { resolve } from "node:path";
import { AppError } from "../base/errors.ts";
import { type PastFlags, withPast } from "./past.ts";

/** Flags of what is done with a machine file. */
export const machineArgs = {
  machine: {
    type: "string",
    valueHint: "file",
    description: "A file that exports an XState 5 machine: TypeScript or JavaScript",
    complete: "file",
  },
  export: {
    type: "string",
    valueHint: "name",
    description: "Which of its machines, where it exports several",
  },
  kind: {
    type: "string",
    valueHint: "kind",
    description: "Whose events it is to take: service or environment (else as its id says)",
  },
  log: {
    type: "string",
    valueHint: "path",
    description: "A copied events.db, or a state directory, instead of the log of this machine",
    complete: "file",
  },
} as const;

export interface MachineFlags extends PastFlags {
  machine: string;
  export?: string | undefined;
  kind?: string | undefined;
  log?: string | undefined;
}

const KINDS = ["service", "component", "environment"];

/** What is meant, without the log. @throws AppError `invalid_request` for a kind that there is not */
export function requestOf({ machine, export: name, kind }: MachineFlags): {
  file: string;
  export?: string | undefined;
  kind?: string | undefined;
} {
  if (kind !== undefined && !KINDS.includes(kind))
    throw new AppError("invalid_request", `--kind is "${kind}": allowed is ${KINDS.join(" or ")}`);
  return { file: resolve(machine), export: name, kind };
}

/** The state directory whose log is replayed; undefined where nobody named one and this machine has none. */
export async function logOf(flags: MachineFlags): Promise<string | undefined> {
  if (flags.log !== undefined) {
    const { stateDirectoryOf } = await import("../workbench/report.ts");
    return stateDirectoryOf(flags.log);
  }
  try {
    return await withPast(flags, ({ store }) => store.stateDirectory, { isQuiet: true });
  } catch (error) {
    const isNamed = flags["state-dir"] !== undefined || flags.socket !== undefined;
    if (!isNamed && error instanceof AppError && error.code === "not_found") return undefined;
    throw error;
  }
}
