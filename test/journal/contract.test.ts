import { memoryJournal } from "../support/memory-journal.ts";
import { openReader } from "../../src/journal/read.ts";
import { startThreadJournal } from "../../src/journal/thread-journal.ts";
import { openWriter } from "../../src/journal/writer.ts";
import { describeJournal } from "../contracts/journal.ts";
import { temporaryDirectory } from "./fixture.ts";

describeJournal("the log in memory", async () => ({ ...memoryJournal(), close: async () => {} }));

describeJournal("the log on disk", async () => {
  const stateDirectory = temporaryDirectory();
  const journal = openWriter({ stateDirectory, hook: () => () => {} });
  return { journal, ...readerBeside(journal, stateDirectory) };
});

describeJournal("the log written by a thread", async () => {
  const stateDirectory = temporaryDirectory();
  const journal = await startThreadJournal({ stateDirectory });
  return { journal, ...readerBeside(journal, stateDirectory) };
});

function readerBeside(journal: { close(): Promise<void> }, stateDirectory: string) {
  const reader = openReader(stateDirectory);
  const close = async (): Promise<void> => {
    reader.close();
    await journal.close();
  };
  return { reader, close };
}
