import { chmodSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openReader } from "../../src/journal/read.ts";
import { startThreadJournal } from "../../src/journal/thread-journal.ts";
import { groups, logOf, forgersDatabase, temporaryDirectory } from "./fixture.ts";

describe("the writer thread", () => {
  it("says why it cannot open the log", async () => {
    const foreign = temporaryDirectory();
    chmodSync(foreign, 0o777);
    const cut = await logOf(3);
    forgersDatabase(cut).exec("DELETE FROM events WHERE seq = 3");

    await expect(startThreadJournal({ stateDirectory: foreign })).rejects.toMatchObject({
      code: "storage_foreign",
      message: expect.stringContaining("chmod go-w"),
    });
    await expect(startThreadJournal({ stateDirectory: cut })).rejects.toMatchObject({
      code: "log_corrupt",
    });
  });

  it("answers in the order in which it was called", async () => {
    const stateDirectory = temporaryDirectory();
    const journal = await startThreadJournal({ stateDirectory });

    const answers = await Promise.all([
      journal.append(groups(2)),
      journal.append(groups(1, 9)),
      journal.collectValues([], 1),
      journal.append(groups(1, 3)),
    ]);
    await journal.close();

    expect(answers).toMatchObject([
      { outcome: "committed", firstSeq: 1 },
      { outcome: "refused", group: 0 },
      0,
      { outcome: "committed", firstSeq: 3 },
    ]);
    const reader = openReader(stateDirectory);
    expect(reader.head().seq).toBe(3);
    reader.close();
  });

  it("takes nothing after it was closed, and never leaves a caller waiting", async () => {
    const journal = await startThreadJournal({ stateDirectory: temporaryDirectory() });
    const closing = journal.close();
    const late = journal.append(groups(1));
    await closing;

    expect(await late).toMatchObject({ outcome: "failed" });
    expect(await journal.append(groups(1))).toMatchObject({ outcome: "failed" });
    await expect(journal.settleKey("k", "a", 200, "")).rejects.toMatchObject({
      code: "storage_failed",
    });
  });
});
