import { printable } from "../base/printable.ts";
import type { GraphEdge } from "../diagram/graph.ts";
import type { MachineReport as Report } from "../inspector/page/machine/workbench-wire.ts";
import { paint } from "./output.ts";

const edgeText = ({ from, to, event, guard }: GraphEdge): string =>
  printable(`${from} —${event}→ ${to}${guard === undefined ? "" : ` if ${guard}`}`);

/** What a machine file is beside ours, and what it would have done with the log, for people. */
export function machineText({
  file,
  export: name,
  graph,
  compared,
  reach,
  replay,
  error,
}: Report): string {
  if (error) return error.detail === undefined ? "" : paint("dim", printable(error.detail));
  const lines = [
    paint(
      "bold",
      `${name} of ${file}: ${graph?.nodes.length ?? 0} states, ${graph?.edges.length ?? 0} edges`,
    ),
  ];
  if (compared) {
    const { nodes_added, nodes_removed, edges_added, edges_removed, against } = compared;
    const changes = [
      ...nodes_added.map((id) => `  + state ${printable(id)}`),
      ...nodes_removed.map((id) => `  - state ${printable(id)}`),
      ...edges_added.map((edge) => `  + ${edgeText(edge)}`),
      ...edges_removed.map((edge) => `  - ${edgeText(edge)}`),
    ];
    lines.push(
      changes.length === 0
        ? `It has the states and edges of the built-in machine "${against}".`
        : `Beside the built-in machine "${against}":`,
      ...changes,
    );
  }
  if (reach) {
    lines.push(
      reach.unreachable.length === 0
        ? "Every state can be reached."
        : paint("alarm", `Cannot be reached: ${reach.unreachable.join(", ")}.`),
    );
    if (reach.goal !== null)
      lines.push(
        reach.cannot_reach_goal.length === 0
          ? `From each, ${reach.goal} can be reached.`
          : paint(
              "alarm",
              `From ${reach.cannot_reach_goal.join(", ")}, ${reach.goal} cannot be reached.`,
            ),
      );
  }
  if (replay?.differing_rows === 0)
    lines.push(
      `All ${replay.rows} rows of ${replay.streams} streams in ${replay.log} lead where they led.`,
    );
  return lines.join("\n");
}

/** How many rows differ, and the first of them. */
export function differenceInWords({ replay }: Report): string {
  if (!replay?.first) return "";
  const { seq, stream, type, recorded, now, reason, edge } = replay.first;
  const was = `${recorded.from ?? "nothing"} → ${recorded.to}`;
  const is = now.to === null ? `to nothing (${reason})` : `${now.from ?? "nothing"} → ${now.to}`;
  const gone = edge === undefined ? "" : `. The edge ${edge} is gone`;
  return (
    `${replay.differing_rows} of ${replay.rows} rows, in ${replay.differing_streams} of ${replay.streams} streams, would lead elsewhere. ` +
    `The first is event ${seq} of ${stream} (${type}): recorded is ${was}, and now it leads ${is}${gone}`
  );
}
