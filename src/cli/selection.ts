import type { ServiceWire } from "../api/view-schemas.ts";
import { AppError } from "../base/errors.ts";
import type { Client } from "../client/client.ts";

/** Words and flags of verbs that do the same to several services. */
export const selectionArgs = {
  name: { type: "positional", repeat: true, description: "Names of services" },
  all: { type: "boolean", description: "All services, in the order of their needs" },
} as const;

/** Flags of later releases that would select services. */
export const LATER_SELECTION = ["label"];

const wrong = (message: string): AppError => new AppError("invalid_request", message);

/**
 * The services that are meant: those named, or with `--all` every one; several in an order in which each comes after what it needs.
 *
 * @throws AppError `invalid_request` for both, or none
 */
export async function selected(
  client: Client,
  names: readonly string[],
  all: boolean,
): Promise<readonly string[]> {
  if (all && names.length > 0)
    throw wrong("names and --all contradict each other: give one of them");
  if (all) return inNeedOrder(await client.list());
  if (names.length === 0) throw wrong("NAME is missing: names of services, or --all");
  if (names.length === 1) return names;
  const ordered = inNeedOrder(await client.list());
  const known = ordered.filter((name) => names.includes(name));
  return [...known, ...names.filter((name) => !ordered.includes(name))];
}

/** Needs have no circles: the daemon refuses them. */
function inNeedOrder(services: readonly ServiceWire[]): string[] {
  const ordered = new Set<string>();
  const visit = (name: string): void => {
    if (ordered.has(name)) return;
    services.find((one) => one.name === name)?.needs.forEach(visit);
    ordered.add(name);
  };
  services.forEach(({ name }) => visit(name));
  return [...ordered];
}
