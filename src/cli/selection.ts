import type { ArgsDef, CommandContext } from "citty";
import type { ServiceWire } from "../api/view-schemas.ts";
import { AppError } from "../base/errors.ts";
import type { Client } from "../client/client.ts";
import { labelsFrom } from "./lists.ts";
import { allOf } from "./verb.ts";

/** A flag that chooses services by a label. */
export const labelArgs = {
  label: {
    type: "string",
    valueHint: "k=v",
    repeat: true,
    description: "Services with this label; of several, those that have all",
  },
} as const;

/** Words and flags of verbs that do the same to several services. */
export const selectionArgs = {
  name: { type: "positional", repeat: true, description: "Names of services" },
  all: { type: "boolean", description: "All services, in the order of their needs" },
  ...labelArgs,
} as const;

const wrong = (message: string): AppError => new AppError("invalid_request", message);

/**
 * The services that are meant: those named, those with the labels of `--label`, or with `--all` every one; several in an order in which each
 * comes after what it needs.
 *
 * @throws AppError `invalid_request` for more than one of the three, or none; `service_not_found` where no service has the labels
 */
export async function selected<T extends ArgsDef>(
  client: Client,
  context: CommandContext<T>,
): Promise<readonly string[]> {
  const names = allOf(context, "name");
  const labels = labelsFrom(undefined, allOf(context, "label"));
  const all = Boolean(context.args["all"]);
  const ways = [
    ...(names.length > 0 ? ["names"] : []),
    ...(all ? ["--all"] : []),
    ...(labels ? ["--label"] : []),
  ];
  if (ways.length > 1) throw wrong(`${ways.join(" and ")} contradict each other: give one of them`);
  if (ways.length === 0) throw wrong("NAME is missing: names of services, --label or --all");
  if (names.length === 1) return names;
  if (labels) return withLabels(client, labels);
  const ordered = inNeedOrder(await client.list());
  return all
    ? ordered
    : ordered
        .filter((name) => names.includes(name))
        .concat(names.filter((name) => !ordered.includes(name)));
}

async function withLabels(client: Client, labels: Record<string, string>): Promise<string[]> {
  const [some, every] = await Promise.all([client.list({ labels }), client.list()]);
  const chosen = new Set(some.map(({ name }) => name));
  if (chosen.size > 0) return inNeedOrder(every).filter((name) => chosen.has(name));
  throw new AppError("service_not_found", nobodyHas(labels));
}

/** Said where labels choose nothing. */
export const nobodyHas = (labels: Readonly<Record<string, string>>): string => {
  const words = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
  return `no service has the label ${words.join(" and ")}`;
};

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
