import { defineCommand } from "citty";
import type { EventWire } from "../../api/event-wire.ts";
import { AppError } from "../../base/errors.ts";
import type { EventsOptions } from "../../client/client.ts";
import { connect, jsonArgs, urlOf, whole, type ReachFlags } from "../args.ts";
import { eventHeader, eventLine } from "../event-table.ts";
import { onTerminal, print, say } from "../output.ts";
import { daemonHead, pastArgs, withPast, type Past } from "../past.ts";
import { allOf } from "../verb.ts";

/** Events a table shows where nobody says how many. */
const LATEST = 100;
/** Events of the past that are shown before those that come. */
const BEFORE_FOLLOW = 10;

interface Asked {
  service: string | undefined;
  types: readonly string[];
  from: number | undefined;
  limit: number | undefined;
  follow: boolean;
  reach: ReachFlags;
  show: (rows: readonly EventWire[]) => void;
}

export const events = defineCommand({
  meta: {
    name: "events",
    description: "Show the event log: every fact and every wish, in order",
    notes: [
      `A table on a terminal, of the last ${LATEST} unless --from or --limit is given; one JSON object a line, and all of them, when piped.`,
      "Types and columns are explained in docs/events.md.",
    ],
    examples: [
      "sprite-env events",
      "sprite-env events --service web --limit 20",
      "sprite-env events --follow",
      "sprite-env events --type process.exited | jq .data.status",
    ],
  },
  args: {
    service: {
      type: "string",
      valueHint: "name",
      description: "Events of this service alone",
      complete: "service",
    },
    from: {
      type: "string",
      valueHint: "seq",
      check: whole(1, Number.MAX_SAFE_INTEGER),
      description: "Begin with this sequence number",
    },
    limit: {
      type: "string",
      valueHint: "count",
      check: whole(1, Number.MAX_SAFE_INTEGER),
      description: "So many at most: the newest, or with --from the first",
    },
    type: {
      type: "string",
      repeat: true,
      description: "Events of this type alone",
      complete: "event-type",
    },
    follow: {
      type: "boolean",
      alias: "f",
      description: `Go on with those that come (without --from or --limit after the last ${BEFORE_FOLLOW})`,
    },
    ...jsonArgs,
    ...pastArgs,
  },
  run: async (context) => {
    const { args } = context;
    const asTable = onTerminal() && !args.json;
    const asked: Asked = {
      service: args.service,
      types: allOf(context, "type"),
      from: number(args.from),
      limit: number(args.limit) ?? latest(args, asTable),
      follow: args.follow === true,
      reach: { socket: args.socket, url: args.url },
      show: asTable ? showTable() : showJson,
    };
    if (args["state-dir"] === undefined && urlOf(args) !== undefined) return fromDaemon(asked);
    try {
      return await withPast(args, (past) => fromStore(past, asked));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "unauthorized") throw error;
      if (!(await daemonHead(asked.reach))) throw error;
      return await fromDaemon(asked);
    }
  },
});

const number = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);

function latest(
  args: { from?: string | undefined; follow?: boolean | undefined },
  asTable: boolean,
): number | undefined {
  if (args.from !== undefined) return undefined;
  if (args.follow) return BEFORE_FOLLOW;
  return asTable ? LATEST : undefined;
}

function showTable(): Asked["show"] {
  let begun = false;
  return (rows) => {
    if (!begun) print(eventHeader());
    begun = true;
    if (rows.length > 0) print(rows.map(eventLine).join("\n"));
  };
}

const showJson: Asked["show"] = (rows) => {
  if (rows.length > 0) print(rows.map((row) => JSON.stringify(row)).join("\n"));
};

/** What is in the log comes from the store; what is yet to come, from the daemon, without a gap between. */
async function fromStore({ store, daemon }: Past, asked: Asked): Promise<void> {
  const { eventPages } = await import("../../offline/events.ts");
  const { seq: end } = store.reader.head();
  if (!asked.follow && asked.from !== undefined && asked.from > end + 1)
    throw new AppError(
      "invalid_request",
      `--from is event ${asked.from}, and the log ends at event ${end}: --follow waits for what is yet to come`,
    );
  const next = Math.max(end + 1, asked.from ?? 1);
  let shown = 0;
  let last = 0;
  for (const page of eventPages(store, asked)) {
    asked.show(page);
    shown += page.length;
    last = page.at(-1)?.seq ?? last;
  }
  if (shown === 0) asked.show([]);
  if (!asked.follow) return;
  if (!daemon) await refuseToFollow(asked.reach, store.file);
  const left =
    asked.from !== undefined && asked.limit !== undefined ? asked.limit - shown : Infinity;
  await showStream({ ...asked, limit: left }, Math.max(next, last + 1));
}

/** Says that no daemon answers, or that the one that does writes another log. */
async function refuseToFollow(reach: ReachFlags, file: string): Promise<never> {
  await connect(reach).head();
  throw new AppError(
    "not_found",
    `the daemon that answers does not write ${file}, so there is nothing to follow: name its socket with --socket`,
  );
}

/**
 * All of it from the daemon: on another machine, or where the store is not for us but the socket is. There is no way to ask for the
 * newest ones, so without --from the last so many sequence numbers are looked through.
 */
async function fromDaemon(asked: Asked): Promise<void> {
  const { from, limit = Infinity } = asked;
  const first = from ?? Math.max(1, (await connect(asked.reach).head()).seq - limit + 1);
  asked.show([]);
  await showStream({ ...asked, limit: from === undefined ? undefined : asked.limit }, first);
}

/** What happens to a connection that is followed, for people. */
function whileLost(): Pick<EventsOptions, "onLost" | "onFound"> {
  let lost = false;
  return {
    onLost: () => {
      if (!lost) say("the daemon went away; waiting for it (Ctrl-C ends) …");
      lost = true;
    },
    onFound: () => {
      if (lost) say("it is back; no event was missed");
      lost = false;
    },
  };
}

async function showStream(
  { reach, service, follow, types, limit, show }: Asked,
  from: number,
): Promise<void> {
  let left = limit ?? Infinity;
  if (left <= 0) return;
  const options = { from, service, types, follow, ...whileLost() };
  for await (const row of connect(reach).events(options)) {
    show([row]);
    left -= 1;
    if (left <= 0) return;
  }
}
