import type { ErrorCode } from "../../base/errors.ts";
import { NDJSON, SSE } from "../ndjson-reply.ts";

/** Headers of requests that mean something to us. */
export type RequestHeader = "Idempotency-Key" | "If-Match" | "Last-Event-ID";

/** What the reference says of a route, besides the schemas that the route itself has. */
export interface Operation {
  /** Of this operation for ever: programs made from the document call it so. */
  id: string;
  tag: "services" | "events" | "daemon";
  summary: string;
  description?: string;
  /** What a success answers: JSON, unless `types` says otherwise. */
  answer: string;
  types?: readonly string[];
  /** 200 unless it says otherwise. */
  status?: 200 | 204;
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

/** Every route of the API, by method and path. A test holds it to the routes that there are. */
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
