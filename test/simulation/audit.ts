import Database from "better-sqlite3";
import type { Db } from "../../src/journal/sqlite.ts";
import { verifyLog } from "../../src/journal/verify.ts";
import { eventReader } from "../../src/journal/read.ts";
import { projections } from "../../src/projections/index.ts";
import { Rebuild } from "../../src/projections/rebuild.ts";
import { logSource } from "../../src/runtime/log-source.ts";
import { statesAt } from "../../src/runtime/past.ts";
import { Fold } from "../../src/runtime/replay.ts";
import { keeps } from "./broken.ts";
import type { Daemon } from "./daemon.ts";
import { foldInto, type Ledger } from "./ledger.ts";

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
  commandsMustBeKept(db, ledger);
}

/** What people asked for is kept when retention removes the rows around it. */
function commandsMustBeKept(db: Db, { rows }: Ledger): void {
  const { cut } = db.prepare("SELECT coalesce(max(seq), 0) AS cut FROM anchors").get() as Cut;
  // What a run of retention that was cut off left is removed, and archived, by the next one.
  const places = "SELECT hash FROM archived_commands UNION SELECT hash FROM events WHERE seq <= ?";
  const archived = new Set(db.prepare(places).pluck().all(cut));
  const lost = rows.find(
    ({ seq, actor, hash }) => seq <= cut && actor !== "runtime" && !archived.has(hash),
  );
  keeps(!lost, "I2", () => `row ${lost?.seq} of ${lost?.actor} was cut and is not in the archive`);
}

interface Cut {
  cut: number;
}

function foldOf({ rows }: Ledger): string {
  const fold = new Fold();
  for (const row of rows) foldInto(fold, row);
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
    for (const projection of projections) {
      const { name } = projection;
      const fresh = new Rebuild(copy, projection, logSource(eventReader(copy)));
      while (!fresh.step());
      const all = (from: Db) =>
        JSON.stringify(from.prepare(`SELECT * FROM ${name} ORDER BY 1`).all());
      const [kept, made] = [all(db), all(copy)];
      keeps(kept === made, "I3", () => `the read model ${name} has ${kept}, and anew ${made}`);
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
