import { SERVICE_EVENT_TYPES } from "../../machines/service-events.ts";
import type { ServiceContext } from "../../machines/service-context.ts";
import type { AppendedRow } from "../journal/append.ts";
import { idOf, kindOf } from "../journal/record.ts";
import type { Db } from "../journal/sqlite.ts";
import { defineProjection, prepared, type StreamNow } from "./projection.ts";

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

function put(db: Db, table: string, { stream, phase, view, seq, at }: StreamNow): void {
  prepared(
    db,
    `INSERT INTO ${table} (name, phase, context, seq, at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (name) DO UPDATE SET phase = excluded.phase, context = excluded.context, seq = excluded.seq, at = excluded.at`,
  ).run(idOf(stream), phase, JSON.stringify(view), seq, at);
}

function keep(db: Db, { row, view }: AppendedRow, table: string): void {
  if (kindOf(row.stream) !== "service") return; // the environment has a boot of its own
  if (row.toState === "deleted") return drop(db, table, row.stream);
  put(db, table, { ...row, phase: row.toState, view });
}

const drop = (db: Db, table: string, stream: string): void =>
  void prepared(db, `DELETE FROM ${table} WHERE name = ?`).run(idOf(stream));

const quarantine = (db: Db, table: string, stream: string, reason: string): void =>
  void prepared(db, `UPDATE ${table} SET quarantined = ? WHERE name = ?`).run(reason, idOf(stream));

/** What each service is and does now. Its row holds the machine's own context, so no rule of the machine is written twice. */
export const services = defineProjection({
  name: "services",
  version: 1,
  schema: (table) => `CREATE TABLE ${table} (
    name TEXT PRIMARY KEY, phase TEXT NOT NULL, context TEXT NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, quarantined TEXT
  ) STRICT`,
  on: {
    ...Object.fromEntries(SERVICE_EVENT_TYPES.map((type) => [type, keep])),
    "stream.quarantined": (db, { row }, table) => {
      const { stream, reason } = row.data as { stream: string; reason: string };
      quarantine(db, table, stream, reason);
    },
    "stream.retired": (db, { row }, table) => drop(db, table, row.data["stream"] as string),
  },
  state: (db, now, table) => {
    if (kindOf(now.stream) !== "service") return;
    put(db, table, now);
    if (now.quarantined !== undefined) quarantine(db, table, now.stream, now.quarantined);
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
