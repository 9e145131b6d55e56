import { SERVICE_EVENT_TYPES } from "../../machines/service-events.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import type { AppendedRow } from "../journal/append.ts";
import { idOf, kindOf } from "../journal/record.ts";
import type { Db } from "../journal/sqlite.ts";
import { defineProjection, prepared } from "./projection.ts";

/** A service as the read model holds it. */
export interface ServiceRow {
  name: string;
  phase: string;
  context: ServiceContext;
  /** Of the row that last changed it. */
  seq: number;
  at: number;
  /** Why its stream is quarantined. */
  quarantined: string | null;
}

function keep(db: Db, { row, view }: AppendedRow): void {
  if (kindOf(row.stream) !== "service") return; // the environment has a boot of its own
  const name = idOf(row.stream);
  if (row.toState === "deleted") {
    prepared(db, "DELETE FROM services WHERE name = ?").run(name);
    return;
  }
  prepared(
    db,
    `INSERT INTO services (name, phase, context, seq, at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET phase = excluded.phase, context = excluded.context, seq = excluded.seq, at = excluded.at`,
  ).run(name, row.toState, JSON.stringify(view), row.seq, row.at);
}

/** What each service is and does now. Its row holds the machine's own context, so no rule of the machine is written twice. */
export const services = defineProjection({
  name: "services",
  version: 1,
  schema: `CREATE TABLE services (
    name TEXT PRIMARY KEY, phase TEXT NOT NULL, context TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, quarantined TEXT
  ) STRICT`,
  on: {
    ...Object.fromEntries(SERVICE_EVENT_TYPES.map((type) => [type, keep])),
    "stream.quarantined": (db, { row }) => {
      const { stream, reason } = row.data as { stream: string; reason: string };
      prepared(db, "UPDATE services SET quarantined = ? WHERE name = ?").run(reason, idOf(stream));
    },
    "stream.retired": (db, { row }) => {
      prepared(db, "DELETE FROM services WHERE name = ?").run(idOf(row.data["stream"] as string));
    },
  },
});

type Stored = Omit<ServiceRow, "context"> & { context: string };

const parsed = (row: Stored): ServiceRow => ({
  ...row,
  context: JSON.parse(row.context) as ServiceContext,
});

/** All services, by name. */
export const allServices = (db: Db): ServiceRow[] =>
  db.prepare<[], Stored>("SELECT * FROM services ORDER BY name").all().map(parsed);

export function serviceByName(db: Db, name: string): ServiceRow | undefined {
  const row = db.prepare<[string], Stored>("SELECT * FROM services WHERE name = ?").get(name);
  return row && parsed(row);
}
