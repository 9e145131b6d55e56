import { defineCommand } from "citty";
import type { EventWire } from "../../api/routes/events.ts";
import { AppError } from "../../base/errors.ts";
import { connect, jsonArgs, whole } from "../args.ts";
import { eventHeader, eventLine } from "../event-table.ts";
import { onTerminal, print } from "../output.ts";
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
  socket: string | undefined;
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
    service: { type: "string", valueHint: "name", description: "Events of this service alone" },
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
    type: { type: "string", repeat: true, description: "Events of this type alone" },
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
      socket: args.socket,
      show: asTable ? showTable() : showJson,
    };
    try {
      await withPast(args, (past) => fromStore(past, asked));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "unauthorized") throw error;
      await fromSocket(asked, error);
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
  const next = Math.max(store.reader.head().seq + 1, asked.from ?? 1);
  asked.show([]);
  let shown = 0;
  let last = 0;
  for (const page of eventPages(store, asked)) {
    asked.show(page);
    shown += page.length;
    last = page.at(-1)?.seq ?? last;
  }
  if (!asked.follow) return;
  if (!daemon) await refuseToFollow(asked.socket, store.file);
  const left =
    asked.from !== undefined && asked.limit !== undefined ? asked.limit - shown : Infinity;
  const query = `from=${Math.max(next, last + 1)}${serviceQuery(asked.service)}&follow=true`;
  await showStream({ ...asked, limit: left }, query);
}

/** Says that no daemon answers, or that the one that does writes another log. */
async function refuseToFollow(socket: string | undefined, file: string): Promise<never> {
  await connect(socket).lines("/v1/events?limit=1");
  throw new AppError(
    "not_found",
    `the daemon that answers does not write ${file}, so there is nothing to follow: name its socket with --socket`,
  );
}

/**
 * Where the store is not for us but the socket is: all of it from the daemon, which has no way to ask for the newest ones. So without --from
 * the last so many sequence numbers are looked through.
 *
 * @param denied what the store said, told where there is no daemon either
 */
async function fromSocket(asked: Asked, denied: AppError): Promise<void> {
  const head = await daemonHead(asked.socket);
  if (!head) throw denied;
  const { from, limit = Infinity, service } = asked;
  const first = from ?? Math.max(1, head.seq - limit + 1);
  const query = `from=${first}${serviceQuery(service)}${asked.follow ? "&follow=true" : ""}`;
  asked.show([]);
  await showStream({ ...asked, limit: from === undefined ? undefined : asked.limit }, query);
}

const serviceQuery = (service: string | undefined): string =>
  service === undefined ? "" : `&service=${encodeURIComponent(service)}`;

async function showStream(asked: Asked, query: string): Promise<void> {
  let left = asked.limit ?? Infinity;
  if (left <= 0) return;
  for await (const { raw } of await connect(asked.socket).lines(`/v1/events?${query}`)) {
    const row = JSON.parse(raw) as EventWire; // what the route sends
    if (asked.types.length > 0 && !asked.types.includes(row.type)) continue;
    asked.show([row]);
    left -= 1;
    if (left <= 0) return;
  }
}
