import { writeFileSync } from "node:fs";
import { defineCommand } from "citty";
import { AppError, messageOf } from "../../base/errors.ts";
import { compactJson } from "../compact-json.ts";
import { jsonArgs } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { onTerminal, print, printBytes, say } from "../output.ts";
import { pastArgs, withPast } from "../past.ts";
import { table } from "../table.ts";

const list = defineCommand({
  meta: {
    name: "list",
    description: "List the state machines that decide about everything",
    examples: ["sprite-env machines list"],
  },
  args: { ...jsonArgs },
  run: async ({ args }) => {
    const { machineList } = await import("../../offline/diagrams.ts");
    const machines = machineList();
    if (args.json === true || !onTerminal()) return print(compactJson(machines));
    const rows = machines.map(({ kind, version, states, edges }) => [
      kind,
      String(version),
      String(states),
      String(edges),
    ]);
    return print(table(["kind", "version", "states", "edges"], rows));
  },
});

const exportVerb = defineCommand({
  meta: {
    name: "export",
    description: "Draw a state machine: as Mermaid, as a picture, or as JSON",
    notes: [
      "With --service: the state that it is in is lit, and each edge says how often it was taken.",
    ],
    examples: [
      "sprite-env machines export",
      "sprite-env machines export --format svg --out service.svg",
      'sprite-env machines export --service web --at "10 min ago"',
    ],
  },
  args: {
    kind: {
      type: "string",
      valueHint: "kind",
      default: "service",
      description: "service or environment",
    },
    format: {
      type: "string",
      valueHint: "format",
      default: "mermaid",
      description: "mermaid, svg or json",
    },
    service: {
      type: "string",
      valueHint: "name",
      description: "Light the state of this service, and count its edges",
      complete: "service",
    },
    at: {
      type: "string",
      valueHint: "moment",
      description: 'At this moment (an event, a time, "10 min ago") instead of now',
    },
    out: {
      type: "string",
      valueHint: "file",
      description: "Write it into this file instead of to standard output",
      complete: "file",
    },
    ...pastArgs,
  },
  run: async ({ args }) => {
    const { diagramOf, FORMATS, graphOfKind, litBy } = await import("../../offline/diagrams.ts");
    const format = FORMATS.find((one) => one === args.format);
    if (!format)
      throw new AppError(
        "invalid_request",
        `--format is "${args.format}": allowed is ${FORMATS.join(", ")}`,
      );
    if (args.at !== undefined && args.service === undefined)
      throw new AppError("invalid_request", "--at goes with --service");
    if (args.service !== undefined && args.kind !== "service")
      throw new AppError("invalid_request", "--service goes with the machine of services");
    const graph = graphOfKind(args.kind);
    const { service, at } = args;
    const lit =
      service === undefined
        ? {}
        : await withPast(args, ({ store }) => litBy(store, service, at, Date.now()), {
            isQuiet: true,
          });
    const text = await diagramOf(graph, format, lit);
    if (args.out === undefined) printBytes(Buffer.from(text));
    else writeTo(args.out, text);
    return EXIT.ok;
  },
});

function writeTo(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new AppError("invalid_request", `${file} cannot be written: ${messageOf(error)}`);
  }
  say(`written to ${file}`);
}

export const machines = defineCommand({
  meta: {
    name: "machines",
    description: "The state machines that decide about everything: list, export",
    examples: ["sprite-env machines list", "sprite-env machines export --format svg"],
  },
  subCommands: { list, export: exportVerb },
});
