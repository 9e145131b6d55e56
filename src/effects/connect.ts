import { type IncomingMessage, request } from "node:http";
import { connect, type LookupFunction } from "node:net";
import type { Probe } from "../../machines/definition.ts";
import { errnoText } from "../posix/libc.ts";
import { type Answer, no, YES } from "./answer.ts";
import { codeOf } from "./spawn-problem.ts";

type Of<Kind extends Probe["kind"]> = Extract<Probe, { kind: Kind }>;

/** As much of a body as is read: enough for a health page, so that its server is not cut off within it. */
const BODY_BYTES = 65_536;

/** Both addresses of this machine, without a thread of libuv's pool, which a hanging disk may hold. */
const loopback: LookupFunction = (_, { all }, callback) => {
  if (all)
    callback(null, [
      { address: "127.0.0.1", family: 4 },
      { address: "::1", family: 6 },
    ]);
  else callback(null, "127.0.0.1", 4);
};

const place = ({ host = "localhost", port }: { host?: string; port: number }) => ({
  host,
  port,
  ...(host === "localhost" && { lookup: loopback }),
});

const named = ({ host = "localhost", port }: { host?: string; port: number }): string =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** What is no errno of the kernel's. Source: getaddrinfo(3); llhttp's errors, as Node names them. */
function inWords(code: string): string {
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "its name cannot be looked up";
  return code.startsWith("HPE_") ? "what answers there does not speak HTTP" : errnoText(code);
}

const noAnswer = (what: string, error: unknown): Answer => no(`${what}: ${inWords(codeOf(error))}`);

/** Connects, and says no more. Settles when it is aborted. */
export const askTcp = (probe: Of<"tcp">, signal: AbortSignal): Promise<Answer> =>
  new Promise((resolve) => {
    const socket = connect({ ...place(probe), signal });
    socket.once("connect", () => {
      resolve(YES);
      socket.destroy();
    });
    socket.on("error", (error) => resolve(noAnswer(`connecting to ${named(probe)}`, error)));
  });

/**
 * Gets a page: 2xx and 3xx are a yes. A redirect is not followed; a body is read to its end, or to 64 kB.
 * Settles when it is aborted. The query stays out of the reason: it may hold a token.
 */
export const askHttp = (probe: Of<"http">, signal: AbortSignal): Promise<Answer> =>
  new Promise((resolve) => {
    const what = `http://${named(probe)}${probe.path.replace(/\?.*/s, "")}`;
    const asked = request({ ...place(probe), path: probe.path, agent: false, signal });
    asked.on("error", (error) => resolve(noAnswer(what, error)));
    asked.on("close", () => resolve(no(`${what}: closed without an answer`)));
    asked.on("response", (response) => {
      const { statusCode = 0 } = response;
      const answer =
        statusCode >= 200 && statusCode < 400 ? YES : no(`${what} answered ${statusCode}`);
      readBounded(response, (error) => resolve(error ? noAnswer(what, error) : answer));
    });
    asked.end();
  });

function readBounded(response: IncomingMessage, done: (error?: Error) => void): void {
  let bytes = 0;
  response.on("data", ({ length }: Buffer) => {
    bytes += length;
    if (bytes < BODY_BYTES) return;
    done();
    response.destroy();
  });
  response.once("end", () => done());
  response.once("error", done);
}
