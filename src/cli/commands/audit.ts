import { defineCommand } from "citty";
import { AppError } from "../../base/errors.ts";
import { jsonArgs } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { onTerminal, print } from "../output.ts";
import { pastArgs, progress, withPast } from "../past.ts";
import { compactJson } from "../compact-json.ts";

const verify = defineCommand({
  meta: {
    name: "verify",
    description:
      "Check the hash chain of the whole event log, and name the first row that is altered, missing or cut off",
    notes: [
      "Exits 1 where a row is not as it was written. Finds accidents and unskilled edits; who can rewrite the whole file can rewrite its hashes, too: " +
        "against that, keep what `audit head` prints elsewhere, and give it to --head.",
    ],
    examples: ["sprite-env audit verify", 'sprite-env audit verify --head "$(cat head-of-monday)"'],
  },
  args: {
    head: {
      type: "string",
      valueHint: "hash",
      description: "What `audit head` printed earlier: that row must be in the log, unaltered",
    },
    ...jsonArgs,
    ...pastArgs,
  },
  run: ({ args }) =>
    withPast(args, async ({ store }) => {
      const { verifyStore } = await import("../../offline/audit.ts");
      const { verificationJson } = await import("../../offline/json.ts");
      const found = verifyStore(store, { head: args.head, onProgress: progress("checked") });
      if (args.json || !onTerminal()) print(compactJson(verificationJson(found)));
      if (!found.ok) throw altered(store.file, found);
      if (args.json || !onTerminal()) return EXIT.ok;
      print(
        `${found.rows} events, ${found.first} to ${found.head.seq}: none altered, none missing.`,
      );
      print(`head: ${found.head.seq} ${found.head.hash}`);
      return EXIT.ok;
    }),
});

const altered = (
  file: string,
  { rows, seq, message }: { rows: number; seq: number; message: string },
): AppError =>
  new AppError(
    "log_corrupt",
    `${message}. ${rows} events before were found right; the first that is not is row ${seq} of ${file}. ` +
      "Keep that file as it is, and go on from a copy that passes",
  );

const head = defineCommand({
  meta: {
    name: "head",
    description: "Print the last row's sequence number and hash, to keep elsewhere",
    examples: ["sprite-env audit head", "sprite-env audit head > /mnt/elsewhere/head"],
  },
  args: { ...jsonArgs, ...pastArgs },
  run: ({ args }) =>
    withPast(args, async ({ store }) => {
      const { headOfStore } = await import("../../offline/audit.ts");
      const { seq, hash } = headOfStore(store);
      print(args.json || !onTerminal() ? compactJson({ seq, hash }) : `${seq} ${hash}`);
    }),
});

/** Whether the log is as it was written. */
export const audit = defineCommand({
  meta: {
    name: "audit",
    description: "Check that the event log is as it was written",
    examples: ["sprite-env audit verify", "sprite-env audit head"],
  },
  subCommands: { verify: () => verify, head: () => head },
});
