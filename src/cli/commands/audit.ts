import { defineCommand } from "citty";
import { AppError } from "../../base/errors.ts";
import type { Repair } from "../../offline/repair.ts";
import { connect, jsonArgs } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { onTerminal, print, say } from "../output.ts";
import { pastArgs, progress, withPast, type Past, type PastFlags } from "../past.ts";
import { compactJson } from "../compact-json.ts";
import { VERSION } from "../version.ts";

const verify = defineCommand({
  meta: {
    name: "verify",
    description:
      "Check the hash chain of the whole event log, and name the first row that is altered, missing or cut off",
    notes: [
      "Exits 1 where a row is not as it was written. Finds accidents and unskilled edits; who can rewrite the whole file can rewrite its hashes, too: " +
        "against that, keep what `audit head` prints elsewhere, and give it to --head.",
    ],
    examples: [
      "sprite-env audit verify",
      "sprite-env audit verify --repair-projections",
      'sprite-env audit verify --head "$(cat head-of-monday)"',
    ],
  },
  args: {
    head: {
      type: "string",
      valueHint: "hash",
      description: "What `audit head` printed earlier: that row must be in the log, unaltered",
    },
    "repair-projections": {
      type: "boolean",
      description:
        "Then compare the table of services with the log, and make it anew where it is wrong",
    },
    ...jsonArgs,
    ...pastArgs,
  },
  run: ({ args }) =>
    withPast(args, async (past) => {
      const { verifyStore } = await import("../../offline/audit.ts");
      const { verificationJson } = await import("../../offline/json.ts");
      const { store } = past;
      const asJson = args.json === true || !onTerminal();
      const found = verifyStore(store, { head: args.head, onProgress: progress("checked") });
      // A log that is not as it was written is nothing to make a table from.
      const repair =
        found.ok && args["repair-projections"] ? await repaired(past, args) : undefined;
      if (asJson)
        print(compactJson({ ...verificationJson(found), ...(repair && repairJson(repair)) }));
      if (!found.ok) throw altered(store.file, found);
      if (asJson) return EXIT.ok;
      print(
        found.rows === 0
          ? "There is no event to check."
          : `${found.rows} events, ${found.first} to ${found.head.seq}: none altered, none missing.`,
      );
      if (found.first > 1)
        print(
          `Retention has removed events up to ${found.first - 1}; what it left in their place is not altered, either.`,
        );
      print(`head: ${found.head.seq} ${found.head.hash}`);
      if (repair) print(repairText(repair));
      return EXIT.ok;
    }),
});

/** Where a daemon has the store, it alone may write. */
async function repaired({ store, daemon }: Past, flags: PastFlags): Promise<Repair> {
  const { repairProjections } = await import("../../offline/repair.ts");
  const rebuild = async (name: string): Promise<void> => {
    say("the daemon makes the table of services anew, and goes on meanwhile");
    await connect(flags).rebuildProjection(name);
  };
  return repairProjections(store, {
    ...(daemon && { rebuild }),
    release: VERSION,
    onProgress: progress("compared"),
  });
}

const repairJson = ({ found, repaired: isRepaired }: Repair): object => ({
  projections: [{ name: "services", found, repaired: isRepaired }],
});

function repairText({ found, repaired: isRepaired }: Repair): string {
  const end = isRepaired ? "it was made anew, and is right now" : "";
  if (found.outcome === "equal") return "The table of services says what the log says.";
  const what =
    found.outcome === "differs"
      ? `wrong about ${found.names.join(", ")}`
      : `of no use (${found.reason})`;
  return `The table of services was ${what}: ${end}.`;
}

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
