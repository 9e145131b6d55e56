import type { FastifyInstance, FastifyRequest } from "fastify";
import { AppError } from "../../base/errors.ts";
import type { Readiness, RunCommand } from "../../commands/exec.ts";
import { onlyMethods } from "../methods.ts";
import type { Streams } from "../ndjson-reply.ts";
import { NO_NUL } from "../field-schemas.ts";
import { badField } from "../refuse.ts";

/** Bytes that say what follows in a piece of the answer. */
const STREAM = { stdout: 1, stderr: 2, exit: 3 } as const;

const word = { type: "string", maxLength: 131_072, pattern: NO_NUL } as const;
/** One of them is no list in a query. */
const list = <const Item extends object>(item: Item) =>
  ({ anyOf: [item, { type: "array", maxItems: 10_000, items: item }] }) as const;
const path = { type: "string", minLength: 1, maxLength: 4_096, pattern: NO_NUL } as const;
const variable = {
  ...word,
  pattern: "^[A-Za-z_][A-Za-z0-9_]*=[^\\u0000]*$",
  "x-allowed": "NAME=value, the name of letters, digits and _",
  "x-secret": true,
} as const;

const execQuery = {
  type: "object",
  additionalProperties: false,
  properties: {
    cmd: { ...list(word), description: "The program and its arguments, one each" },
    path: { ...path, description: "What is executed in the place of the first cmd" },
    env: {
      ...list(variable),
      description: "NAME=value, over what the main process has",
      "x-allowed": variable["x-allowed"],
      "x-secret": true,
    },
    dir: { ...path, description: "Working directory. Default: that of the main process" },
    stdin: {
      type: "string",
      enum: ["true", "false"],
      description: "Whether the body is its input. Default: false",
    },
  },
} as const;

interface ExecQuery {
  cmd?: string | string[];
  path?: string;
  env?: string | string[];
  dir?: string;
  stdin?: "true" | "false";
}

/** What the same path takes over a WebSocket. */
const OF_SESSIONS = ["tty", "id", "detachable", "cc"] as const;

interface ExecOptions {
  run: RunCommand;
  readiness: Readiness;
  streams: Streams;
  /** Takes as long as it likes to send its body: it is the command's input. */
  isPatient: (request: FastifyRequest) => void;
}

/** POST /exec: a command in the context of the main process. Its output comes as it is written, in pieces; the last one has its exit code. */
export const execRoutes =
  ({ run, readiness, streams, isPatient }: ExecOptions) =>
  async (app: FastifyInstance): Promise<void> => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    app.post<{ Querystring: ExecQuery }>(
      "/exec",
      {
        preValidation: refuseSessions,
        schema: { querystring: execQuery, response: { 200: { type: "string", format: "binary" } } },
      },
      async (request, reply) => {
        const asked = commandOf(request.query);
        const input = request.query.stdin === "true" ? request.raw : undefined;
        if (input) isPatient(request);
        const gone = new AbortController();
        reply.raw.once("close", () => gone.abort());
        await readiness.wait(gone.signal);
        await streams.open(
          reply,
          "application/octet-stream",
          async (reader) => {
            const piece = (id: number) => (data: Buffer) =>
              reader.write(Buffer.concat([Buffer.of(id), data]));
            const code = await run(
              { ...asked, ...(input && { stdin: input }) },
              { stdout: piece(STREAM.stdout), stderr: piece(STREAM.stderr) },
              reader.signal,
            );
            await reader.write(Buffer.of(STREAM.exit, code & 0xff));
          },
          (message) => `\u0002sprite-env: ${message}\n`,
        );
      },
    );
    onlyMethods(app, "/exec", ["POST"]);
  };

/** What only a WebSocket can do is refused by name; that it is not wanted may be said. @throws AppError `invalid_request` */
async function refuseSessions({ query }: FastifyRequest): Promise<void> {
  const given = query as Record<string, unknown>;
  for (const field of OF_SESSIONS) {
    const value = given[field];
    delete given[field];
    if (value === undefined || value === "false") continue;
    if (field === "tty")
      throw new AppError("invalid_request", "TTY not supported on POST /exec", {
        details: { field },
      });
    throw badField(field, value, "nothing: POST /exec has no sessions");
  }
}

/** @throws AppError `invalid_request` */
function commandOf({ cmd, path: program, env, dir }: ExecQuery) {
  const command = [cmd ?? program ?? []].flat();
  if (command.length === 0 || command[0] === "")
    throw new AppError(
      "invalid_request",
      "no command: name the program and its arguments, each as a cmd of the query",
      { details: { field: "cmd" } },
    );
  return {
    command,
    env: Object.fromEntries([env ?? []].flat().map(pair)),
    ...(program !== undefined && { path: program }),
    ...(dir !== undefined && { dir }),
  };
}

const pair = (text: string): readonly [string, string] => {
  const at = text.indexOf("="); // the schema wants one
  return [text.slice(0, at), text.slice(at + 1)];
};
