import type { ServiceReads } from "../../src/commands/read-services.ts";
import type { Db } from "../../src/journal/sqlite.ts";
import { idOf, kindOf } from "../../src/journal/record.ts";
import { prepared } from "../../src/projections/projection.ts";
import type { Registry } from "../../src/runtime/registry.ts";
import { type Fold, stateOf } from "../../src/runtime/replay.ts";
import { keeps } from "./broken.ts";
import type { Kernel } from "./kernel.ts";
import type { Ledger } from "./ledger.ts";

/** I1: at most one live main process for each service, and nothing of a life that the log says is over. */
export function processesMustBeAllowed(kernel: Kernel, ledger: Ledger): void {
  const mains = new Set<string>();
  for (const { service, role, incarnation, pid } of kernel.processes) {
    if (role === "stranger") continue;
    keeps(ledger.asksFor(incarnation), "I2", () => `${pid} of ${service} was spawned unrecorded`);
    if (role !== "main") continue;
    keeps(!mains.has(service), "I1", () => `${service} has a second process, ${pid}`);
    mains.add(service);
  }
}

/** What a fold says of a stream, as text. */
function folded(fold: Fold, stream: string): string {
  const snapshot = fold.streams.get(stream)?.snapshot;
  if (snapshot?.status !== "active") return "not there";
  return JSON.stringify([stateOf(snapshot), snapshot.context]);
}

/** I3: the live actor of a stream is what a fold of its rows gives. */
export function actorMustBeFold(registry: Registry, ledger: Ledger, stream: string): void {
  const snapshot = registry.get(stream)?.actor.getSnapshot() as
    | { value: unknown; context: unknown }
    | undefined;
  const live = snapshot ? JSON.stringify([String(snapshot.value), snapshot.context]) : "not there";
  const fold = folded(ledger.fold, stream);
  keeps(live === fold, "I3", () => `${stream} is ${live}, and its rows give ${fold}`);
}

/** I2, I3: people are told what a fold of the rows gives that are known to be stored, and of no others. */
export function answerMustBeFold(read: ServiceReads, ledger: Ledger, stream: string): void {
  if (kindOf(stream) !== "service") return;
  const told = read.byName(idOf(stream));
  const said = told ? JSON.stringify([told.phase, told.context]) : "not there";
  const fold = folded(ledger.fold, stream);
  keeps(
    said === fold,
    "I3",
    () => `people are told that ${stream} is ${said}, and its rows give ${fold}`,
  );
}

interface Shown {
  phase: string;
  context: string;
  seq: number;
}

/** I3: the read model of a service is what a fold of its rows gives. */
export function readModelMustBeFold(db: Db, ledger: Ledger, stream: string): void {
  if (kindOf(stream) !== "service") return;
  const question = "SELECT phase, context, seq FROM services WHERE name = ?";
  const shown = prepared(db, question).get(idOf(stream)) as Shown | undefined;
  const said = shown ? JSON.stringify([shown.phase, JSON.parse(shown.context)]) : "not there";
  const fold = folded(ledger.fold, stream);
  keeps(
    said === fold,
    "I3",
    () => `the read model has ${stream} as ${said}, and its rows give ${fold}`,
  );
  const last = ledger.lastOf(stream)?.seq ?? 0;
  const say = () => `the read model has ${stream} as of row ${shown?.seq}, and its last is ${last}`;
  keeps(!shown || shown.seq === last, "I3", say);
}
