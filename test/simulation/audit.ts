import Database from "better-sqlite3";
import type { Db } from "../../src/journal/sqlite.ts";
import { verifyLog } from "../../src/journal/verify.ts";
import { refold } from "../../src/projections/engine.ts";
import { projections } from "../../src/projections/index.ts";
import { statesAt } from "../../src/runtime/past.ts";
import { Fold } from "../../src/runtime/replay.ts";
import { keeps } from "./broken.ts";
import type { Daemon } from "./daemon.ts";
import type { Ledger } from "./ledger.ts";
import { folded } from "./store.ts";

/** What costs too much to be looked at after each step: the whole log against everything that was made of it. @throws Broken */
export function mustAgree({ db, reader }: Daemon, ledger: Ledger): void {
  const verified = verifyLog(db);
  keeps(verified.ok, "I14", () => `audit verify: ${JSON.stringify(verified)}`);
  const once = foldOf(ledger);
  keeps(once === foldOf(ledger), "I3", () => "two folds of one log give other bytes");
  const near = statesOf(statesAt(reader, ledger.end.seq));
  keeps(
    once === near,
    "I3",
    () => `from its snapshots the log gives ${near}, and from its rows ${once}`,
  );
  readModelsMustBeFolds(db);
}

function foldOf({ rows }: Ledger): string {
  const fold = new Fold();
  for (const row of rows) fold.add(row);
  return statesOf(fold);
}

const statesOf = ({ streams }: Fold): string =>
  JSON.stringify(
    [...streams.values()]
      .filter(({ snapshot }) => snapshot.status === "active")
      .map(({ stream, snapshot }) => [stream, snapshot.value, snapshot.context])
      .toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
  );

/** I3: what is thrown away and folded anew is what was there. */
function readModelsMustBeFolds(db: Db): void {
  const copy = copyOf(db);
  try {
    copy.exec("UPDATE projection_heads SET stale = 'thrown away'");
    refold(copy, projections, () => folded(copy));
    for (const { name } of projections) {
      const all = (from: Db) =>
        JSON.stringify(from.prepare(`SELECT * FROM ${name} ORDER BY 1`).all());
      const [kept, fresh] = [all(db), all(copy)];
      keeps(kept === fresh, "I3", () => `the read model ${name} has ${kept}, and anew ${fresh}`);
    }
  } finally {
    copy.close();
  }
}

/** Where the file's header says whether it has a WAL, which a database in memory cannot have. Source: sqlite.org/fileformat2.html, section 1.3. */
const VERSIONS_AT = [18, 19];

function copyOf(db: Db): Db {
  const bytes = db.serialize();
  for (const at of VERSIONS_AT) bytes[at] = 1;
  return new Database(bytes);
}
