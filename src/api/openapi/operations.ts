import type { ErrorCode } from "../../base/errors.ts";
import { NDJSON, SSE } from "../ndjson-reply.ts";

/** Headers of requests that mean something to us. */
export type RequestHeader = "Idempotency-Key" | "If-Match" | "Last-Event-ID";

/** What the reference says of a route, besides the schemas that the route itself has. */
export interface Operation {
  /** Of this operation for ever: programs made from the document call it so. */
  id: string;
  tag: "services" | "exec" | "events" | "past" | "daemon";
  summary: string;
  description?: string;
  /** What a success answers: JSON, unless `types` says otherwise. */
  answer: string;
  types?: readonly string[];
  /** 200 unless it says otherwise. */
  status?: 200 | 201 | 204;
  headers?: readonly RequestHeader[];
  hasETag?: true;
  /** What can go wrong besides what can always. */
  errors?: readonly ErrorCode[];
  /** Stands at the root alone, not under /v1/. */
  atRoot?: true;
}

const COMMAND_HEADERS = ["Idempotency-Key", "If-Match"] as const;

/** What a command can run into. */
const COMMAND_ERRORS = [
  "body_too_large",
  "idempotency_conflict",
  "version_conflict",
  "service_deleting",
  "service_quarantined",
  "event_refused",
  "busy",
  "shutting_down",
  "storage_full",
  "storage_failed",
] as const satisfies readonly ErrorCode[];

const DEFINING_ERRORS = [
  ...COMMAND_ERRORS,
  "not_built_yet",
  "user_not_allowed",
  "http_port_taken",
] as const satisfies readonly ErrorCode[];

const STREAM = {
  types: [NDJSON],
  answer: "What happens, one JSON object a line, until the duration is over or the service ended",
} as const;

const STREAMED =
  " The answer is a stream of lines as things happen. The wish is stored when its head comes: leaving the stream early takes nothing back.";

/** Every route of the API, by method and path: one list, however long. A test holds it to the routes that there are. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  "GET /services": {
    id: "listServices",
    tag: "services",
    summary: "All services, with their states",
    description: "Values of `env` are never in a list: `env_names` are.",
    answer: "The services by name; [] where there are none",
  },
  "GET /services/:name": {
    id: "getService",
    tag: "services",
    summary: "One service: its definition and its state",
    description:
      "Whoever may change the service gets the values of `env`; a read-only token gets `env_names`. What was read may be written back with PUT.",
    answer: "The service",
    hasETag: true,
    errors: ["service_not_found"],
  },
  "PUT /services/:name": {
    id: "putService",
    tag: "services",
    summary: "Create or replace a service, and start it",
    description:
      "The same definition again leaves a running service alone and starts one that is down; another one replaces its process. A field that is left out is cleared." +
      STREAMED,
    ...STREAM,
    headers: COMMAND_HEADERS,
    errors: DEFINING_ERRORS,
  },
  "PATCH /services/:name": {
    id: "updateService",
    tag: "services",
    summary: "Change some fields of a service",
    description:
      "Fields that are left out stay, null removes one. Starts nothing that is down." + STREAMED,
    ...STREAM,
    headers: COMMAND_HEADERS,
    errors: ["service_not_found", ...DEFINING_ERRORS],
  },
  "DELETE /services/:name": {
    id: "deleteService",
    tag: "services",
    summary: "Stop a service and remove its definition",
    description: "Its log file stays. Answers when its processes are gone.",
    status: 204,
    answer: "It is gone",
    headers: COMMAND_HEADERS,
    errors: ["service_not_found", "service_needed", "timed_out", ...COMMAND_ERRORS],
  },
  "POST /services/:name/start": {
    id: "startService",
    tag: "services",
    summary: "Start a service, and what it needs",
    description: "One that runs already is left alone." + STREAMED,
    ...STREAM,
    headers: COMMAND_HEADERS,
    errors: ["service_not_found", ...COMMAND_ERRORS],
  },
  "POST /services/:name/restart": {
    id: "restartService",
    tag: "services",
    summary: "End a service's process, if it has one, and start another",
    description: "What needs it goes on running." + STREAMED,
    ...STREAM,
    headers: COMMAND_HEADERS,
    errors: ["service_not_found", ...COMMAND_ERRORS],
  },
  "POST /services/:name/rollback": {
    id: "rollbackService",
    tag: "services",
    summary: "Give a service an earlier definition again",
    description:
      "It becomes the newest version. What should run is replaced, or started; what was stopped stays so." +
      STREAMED,
    ...STREAM,
    headers: COMMAND_HEADERS,
    errors: ["service_not_found", "version_not_found", ...DEFINING_ERRORS],
  },
  "POST /services/:name/stop": {
    id: "stopService",
    tag: "services",
    summary: "Stop a service for good",
    description:
      "Durable: only a command starts it again. The last line comes when nothing of it is alive." +
      STREAMED,
    ...STREAM,
    headers: COMMAND_HEADERS,
    errors: ["service_not_found", "service_stopped", "service_needed", ...COMMAND_ERRORS],
  },
  "POST /services/signal": {
    id: "signalService",
    tag: "services",
    summary: "Send a signal to a service's main process",
    status: 204,
    answer: "It is sent",
    headers: COMMAND_HEADERS,
    errors: ["service_not_found", "service_not_running", ...COMMAND_ERRORS],
  },
  "GET /services/:name/logs": {
    id: "getServiceLogs",
    tag: "services",
    summary: "What a service wrote, and what it writes",
    types: [NDJSON],
    answer: "Lines of output, one JSON object a line, then one of type complete",
    errors: ["service_not_found", "busy", "shutting_down"],
  },
  "GET /events": {
    id: "streamEvents",
    tag: "events",
    summary: "The event log, from any event on",
    description:
      "Every fact and every wish, in order: one JSON object a line, or, with `Accept: text/event-stream`, server-sent events whose `id` is the seq, " +
      "whose `event` is the type and whose `data` is the event; those follow unless `follow=false`. " +
      "To go on after a break, ask with `from` one above the last seq you have, or send that seq as `Last-Event-ID`: nothing is lost, nothing repeated. " +
      "`from` may be a seq that is yet to come. A stream of lines that breaks off ends with an object of type `error` that has no `seq`.",
    types: [NDJSON, SSE],
    answer: "Events, in order",
    headers: ["Last-Event-ID"],
    errors: ["events_gone", "busy", "shutting_down"],
  },
  "GET /events/head": {
    id: "getEventsHead",
    tag: "events",
    summary: "Where the event log begins and ends",
    answer: "The first event that is kept, and the last, with its hash",
  },
  "GET /past/span": {
    id: "getPastSpan",
    tag: "past",
    summary: "Where the log begins and ends, with times",
    answer: "The first and the last event",
    errors: ["busy", "timed_out"],
  },
  "GET /past/strip": {
    id: "getPastStrip",
    tag: "past",
    summary: "The log in pieces, and what stands out in each",
    answer: "Pieces, oldest first",
    errors: ["busy", "timed_out", "not_found", "events_gone"],
  },
  "GET /past/state": {
    id: "getPastState",
    tag: "past",
    summary: "What every service was at a moment",
    answer: "The services as a list has them, as of then",
    errors: ["busy", "timed_out", "not_found", "events_gone", "service_not_found"],
  },
  "GET /past/diff": {
    id: "getPastDiff",
    tag: "past",
    summary: "What differs between two moments, and what happened between",
    answer: "As `sprite-env diff --json` prints it",
    errors: ["busy", "timed_out", "not_found", "events_gone", "service_not_found"],
  },
  "GET /past/jump": {
    id: "jumpInPast",
    tag: "past",
    summary: "The next or the previous event of a kind",
    answer: "The event, or null where there is none",
    errors: ["busy", "timed_out", "not_found", "events_gone"],
  },
  "GET /past/boots": {
    id: "listBoots",
    tag: "past",
    summary: "Every boot of the daemon",
    answer: "As `sprite-env boot list --json` prints it",
    errors: ["busy", "timed_out"],
  },
  "GET /past/boots/diff": {
    id: "diffBoots",
    tag: "past",
    summary: "What two boots did differently",
    answer: "As `sprite-env boot diff --json` prints it",
    errors: ["busy", "timed_out", "not_found", "events_gone"],
  },
  "GET /past/boots/:boot": {
    id: "getBoot",
    tag: "past",
    summary: "What became of each service at a boot, and why; the critical chain",
    answer: "As `sprite-env boot --explain --json` prints it",
    errors: ["busy", "timed_out", "not_found", "events_gone"],
  },
  "GET /past/why/:name": {
    id: "getWhy",
    tag: "past",
    summary: "Why a service is as it is",
    answer: "As `sprite-env why --json` prints it",
    errors: ["busy", "timed_out", "service_not_found", "not_found", "events_gone"],
  },
  "GET /past/history/:name": {
    id: "getHistory",
    tag: "past",
    summary: "The lives of a service",
    answer: "As `sprite-env history --json` prints it",
    errors: ["busy", "timed_out", "service_not_found", "not_found", "events_gone"],
  },
  "GET /past/causes/:seq": {
    id: "getCauses",
    tag: "past",
    summary: "What led to an event, and what came of the same cause",
    answer: "Events in order; each names its cause",
    errors: ["busy", "timed_out", "not_found", "events_gone"],
  },
  "GET /past/edges/:name": {
    id: "getEdges",
    tag: "past",
    summary: "How often a service went from each state to each",
    answer: "Edges, by state, state and event",
    errors: ["busy", "timed_out", "service_not_found", "not_found", "events_gone"],
  },
  "GET /past/taken/:name": {
    id: "getTaken",
    tag: "past",
    summary: "The events that led a service from one state to another",
    answer: "Newest first",
    errors: ["busy", "timed_out", "service_not_found", "not_found", "events_gone"],
  },
  "GET /past/timeline": {
    id: "getTimeline",
    tag: "past",
    summary: "The newest events, in words",
    answer: "Newest first",
    errors: ["busy", "timed_out", "not_found", "events_gone", "service_not_found"],
  },
  "GET /past/restarts": {
    id: "getRestarts",
    tag: "past",
    summary: "How often services were started again, in pieces of time",
    answer: "By service; those that never were are left out",
    errors: ["busy", "timed_out"],
  },
  "GET /past/logs/:name": {
    id: "getPastLogs",
    tag: "past",
    summary: "What a service said around an event, with the life each line is of",
    answer: "Lines, oldest first",
    errors: ["busy", "timed_out", "service_not_found", "not_found", "events_gone"],
  },
  "GET /machines": {
    id: "listMachines",
    tag: "daemon",
    summary: "The state machines that decide about everything, as graphs",
    answer: "Each kind of machine with its states and edges",
  },
  "POST /inspector/tickets": {
    id: "createInspectorTicket",
    tag: "daemon",
    summary: "A way into the inspector for a browser of this machine",
    description:
      "Opens a listener on loopback. The address is good once, for a minute, and becomes a session of the browser that opens it.",
    answer: "The address to open",
    status: 201,
    errors: ["body_too_large", "socket_unusable", "shutting_down"],
  },
  "GET /usage": {
    id: "getUsage",
    tag: "services",
    summary: "Processor time and memory of services",
    description: "Of the processes in each service's session; an answer is good for a second.",
    answer: "By service",
  },
  "GET /components": {
    id: "listComponents",
    tag: "daemon",
    summary: "What must be there before the main process and the services",
    answer: "All of them, in the order in which they start",
  },
  "GET /config/plan": {
    id: "getConfigPlan",
    tag: "daemon",
    summary: "What reading the configuration file again would do",
    description:
      "The daemon reads its file, and changes nothing. Drift is what somebody changed by a command since the file was applied.",
    answer: "What becomes of each component and service that the file names or named",
    errors: [
      "config_invalid",
      "not_built_yet",
      "user_not_allowed",
      "http_port_taken",
      "service_needed",
    ],
  },
  "POST /config/reload": {
    id: "reloadConfig",
    tag: "daemon",
    summary: "Read the configuration file again, and hold components and services to it",
    description:
      "What was changed by a command is undone, what left the file is stopped and deleted, what somebody stopped stays stopped. A file that is wrong in any place changes nothing.",
    answer: "What was done",
    errors: [
      "body_too_large",
      "config_invalid",
      "not_built_yet",
      "user_not_allowed",
      "http_port_taken",
      "service_needed",
      "service_deleting",
      "service_quarantined",
      "busy",
      "shutting_down",
      "storage_full",
      "storage_failed",
    ],
  },
  "POST /exec": {
    id: "runCommand",
    tag: "exec",
    summary: "Run a command in the directory and environment of the main process",
    description:
      "It waits until main process and components are up. With `stdin=true` the body is the command's input. Each piece of the answer begins with a byte: 1 for standard output, 2 for standard error, 3 for the end, with the exit code in the byte that follows (128 and the number for a signal, 127 where there is no such program). One chunk of the answer is one piece. Leaving ends the command: TERM, and KILL 5 s later.",
    answer: "Pieces of output, then the exit code",
    types: ["application/octet-stream"],
    errors: ["environment_not_ready", "busy", "shutting_down"],
  },
  "GET /projections": {
    id: "listProjections",
    tag: "daemon",
    summary: "The read models that answers come from, and how far each has read",
    answer: "All of them, by name",
  },
  "POST /projections/:name/rebuild": {
    id: "rebuildProjection",
    tag: "daemon",
    summary: "Make a read model anew from the event log",
    description:
      "The daemon goes on meanwhile, and answers from its state machines. The answer comes when it is made.",
    answer: "It follows the log again",
    errors: ["body_too_large", "not_found", "storage_failed", "shutting_down"],
  },
  "GET /healthz": {
    id: "getHealth",
    tag: "daemon",
    summary: "Whether the daemon answers",
    answer: "It does",
    atRoot: true,
  },
  "GET /metrics": {
    id: "getMetrics",
    tag: "daemon",
    summary: "Figures for Prometheus",
    types: ["text/plain"],
    answer: "Metrics in the text format of Prometheus",
    atRoot: true,
  },
  "GET /openapi.json": {
    id: "getOpenapi",
    tag: "daemon",
    summary: "This document",
    answer: "An OpenAPI 3.1 document",
    atRoot: true,
  },
  "GET /docs": {
    id: "getDocs",
    tag: "daemon",
    summary: "This document as a page",
    types: ["text/html"],
    answer: "A page that fetches nothing from elsewhere",
    atRoot: true,
  },
};
