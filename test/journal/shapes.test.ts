import { describe, expect, it } from "vitest";
import { openReader } from "../../src/journal/read.ts";
import { knowsShape } from "../../src/runtime/known-shapes.ts";
import { startThreadJournal } from "../../src/journal/thread-journal.ts";
import {
  bareDatabase,
  draft,
  forgersDatabase,
  group,
  groups,
  logOf,
  temporaryDirectory,
  writerOn,
} from "./fixture.ts";

const shapes = (stateDirectory: string): unknown[] =>
  bareDatabase(stateDirectory).prepare("SELECT kind, type, schema FROM event_shapes").raw().all();

const newer = (text: string) =>
  expect.objectContaining({
    code: "storage_newer",
    message: expect.stringContaining(text),
    details: expect.objectContaining({ readable: true }),
  });

describe("the shapes of events that a log ever held", () => {
  it("are noted once each, with the rows", async () => {
    const stateDirectory = temporaryDirectory();
    const writer = writerOn(stateDirectory);
    await writer.append(groups(3));
    await writer.append([
      group(draft({ version: 1, stream: "task/x", type: "task.held", schema: 2 })),
    ]);
    expect(shapes(stateDirectory)).toEqual([
      ["service", "process.exited", 1],
      ["task", "task.held", 2],
    ]);
  });

  it("are not noted for a batch that is refused, and are when it comes again", async () => {
    const stateDirectory = temporaryDirectory();
    const writer = writerOn(stateDirectory);
    const fresh = group(draft({ version: 1, type: "process.lost" }));
    await writer.append([fresh, group(draft({ version: 9 }))]);
    expect(shapes(stateDirectory)).toEqual([]);
    await writer.append([fresh]);
    expect(shapes(stateDirectory)).toEqual([["service", "process.lost", 1]]);
  });
});

describe("a log with an event that this release does not know", () => {
  const strangers = [
    ["a type", { type: "process.teleported" }, "process.teleported"],
    ["a machine version", { schema: 7 }, "machine version 7"],
    ["a kind of stream", { stream: "checkpoint/1" }, "of a checkpoint"],
  ] as const;

  it.each(strangers)("(%s) is not opened for writing, and can be read", async (_, given, text) => {
    const stateDirectory = temporaryDirectory();
    const writer = writerOn(stateDirectory);
    await writer.append([group(draft({ version: 1, ...given }))]);
    await writer.close();

    expect(() => writerOn(stateDirectory, { knows: knowsShape })).toThrow(newer(text));
    await expect(startThreadJournal({ stateDirectory })).rejects.toEqual(newer(text));
    const reader = openReader(stateDirectory);
    expect(reader.bySeq(1)).toMatchObject(given);
    reader.close();
  });

  it("is found however long ago that event was", async () => {
    const stateDirectory = temporaryDirectory();
    const writer = writerOn(stateDirectory);
    await writer.append([group(draft({ version: 1, type: "process.teleported" }))]);
    await writer.append(groups(1_500, 2));
    await writer.close();
    expect(() => writerOn(stateDirectory, { knows: knowsShape })).toThrow(newer("teleported"));
  });

  it("is found where somebody wrote the event past the journal", async () => {
    const stateDirectory = await logOf(3);
    forgersDatabase(stateDirectory).exec(
      "UPDATE events SET type = 'process.teleported' WHERE seq = 3",
    );
    expect(() => writerOn(stateDirectory, { knows: knowsShape })).toThrow(newer("teleported"));
  });

  it("is opened where all are known", async () => {
    const stateDirectory = await logOf(3);
    expect(
      await writerOn(stateDirectory, { knows: knowsShape }).append(groups(1, 4)),
    ).toMatchObject({
      outcome: "committed",
    });
  });
});
