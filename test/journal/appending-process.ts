/** A program that appends to the log of the state directory given, prints the last seq of each batch once it is acknowledged or how it failed, and goes on for ever. */
import { writeSync } from "node:fs";
import { openWriter } from "../../src/journal/writer.ts";

const [stateDirectory = ""] = process.argv.slice(2);
const writer = openWriter({ stateDirectory, hook: () => () => {} });
const stream = `session/${process.pid}`;
for (let version = 1; ;) {
  const rows = [0, 1, 2].map((more) => ({
    view: {},
    draft: {
      id: `${stream} ${version + more}`,
      stream,
      version: version + more,
      type: "session.moved",
      schema: 1,
      data: { text: "x".repeat(version % 500) },
      at: version,
      wall: version,
      bootId: "bt",
      incarnation: null,
      cause: null,
      correlation: "c",
      actor: "runtime",
      fromState: null,
      toState: "moving",
    },
  }));
  const result = await writer.append([{ rows }]);
  if (result.outcome === "committed") version += 3;
  writeSync(1, `${result.outcome === "committed" ? result.firstSeq + 2 : result.outcome}\n`);
}
