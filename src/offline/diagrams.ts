import type { ELK } from "elkjs/lib/elk-api.js";
import elk from "elkjs/lib/elk.bundled.js";
import { isStreamKind, machines, type StreamKind } from "../../machines/index.ts";
import { AppError } from "../base/errors.ts";
import { graphOf, type MachineGraph } from "../diagram/graph.ts";
import { type Lit, mermaidOf } from "../diagram/mermaid.ts";
import { svgOf } from "../diagram/svg.ts";
import { EdgeCounts } from "./edge-counts.ts";
import { mustBeKnown } from "./events.ts";
import { placeOf } from "./past.ts";
import { partOfSpriteAt } from "./past-services.ts";
import type { Store } from "./store.ts";

/** The library is CommonJS, and its types say otherwise. */
const Elk = elk as unknown as new () => ELK;

export const FORMATS = ["mermaid", "json", "svg"] as const;
export type DiagramFormat = (typeof FORMATS)[number];

/** A machine that the daemon runs, in figures. */
export interface MachineBrief {
  kind: string;
  version: number;
  states: number;
  edges: number;
}

/** Every kind of machine. */
export const machineList = (): MachineBrief[] =>
  Object.entries(machines).map(([kind, { machine, version }]) => {
    const { nodes, edges } = graphOf(machine, version);
    return { kind, version, states: nodes.length, edges: edges.length };
  });

/** @throws AppError `invalid_request` for a kind that there is not */
export function graphOfKind(kind: string): MachineGraph {
  if (!isStreamKind(kind))
    throw new AppError(
      "invalid_request",
      `there is no machine called "${kind}": there are ${Object.keys(machines).join(" and ")}`,
    );
  const { machine, version } = machines[kind satisfies StreamKind];
  return graphOf(machine, version);
}

/** A machine in one of the formats. @param lit the state and the counts of one service */
export async function diagramOf(
  graph: MachineGraph,
  format: DiagramFormat,
  lit: Lit = {},
): Promise<string> {
  if (format === "json") return `${JSON.stringify({ ...graph, ...lit }, null, 2)}\n`;
  return format === "mermaid" ? mermaidOf(graph, lit) : svgOf(new Elk(), graph, lit);
}

/**
 * The state that a service was in, and how often it had gone each way.
 *
 * @param at a moment; undefined: now
 * @param now milliseconds of the wall clock
 * @throws AppError as `placeOf`; `service_not_found`
 */
export function litBy(
  { reader, db }: Pick<Store, "reader" | "db">,
  service: string,
  at: string | undefined,
  now: number,
): Lit {
  mustBeKnown(reader, service);
  const { seq } = placeOf(reader, at, now, "--at");
  const found = partOfSpriteAt(reader, seq, service).services.get(service);
  if (!found)
    throw new AppError("service_not_found", `service "${service}" was not there at event ${seq}`);
  return { current: found.phase, counts: new EdgeCounts(db).of(`service/${service}`, seq) };
}
