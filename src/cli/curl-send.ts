import { openSync, writeSync } from "node:fs";
import { AppError, messageOf } from "../base/errors.ts";
import type { Client } from "../client/client.ts";
import type { HttpReply } from "../client/http.ts";
import type { CurlRequest } from "./curl-words.ts";
import { EXIT } from "./exit-codes.ts";
import { printBytes, say } from "./output.ts";

/**
 * Sends the request and prints the answer as it comes.
 *
 * @returns 0 for any answer; with `fail`, 1 for one of 400 or more
 * @throws AppError `timed_out` when `maxSeconds` are over before the answer is
 */
export async function sendCurl(client: Client, request: CurlRequest): Promise<number> {
  const { method, path, headers, body, maxSeconds } = request;
  const answer = client
    .raw({ method, path, headers, ...(body && { body }) })
    .then((reply) => show(reply, request));
  return maxSeconds === undefined ? answer : Promise.race([answer, over(maxSeconds)]);
}

const over = (seconds: number): Promise<never> =>
  new Promise((_resolve, reject) => {
    const late = new AppError(
      "timed_out",
      `the answer was not whole after ${seconds} s (--max-time)`,
    );
    setTimeout(() => reject(late), seconds * 1_000).unref();
  });

async function show(reply: HttpReply, request: CurlRequest): Promise<number> {
  const failed = request.fail && reply.status >= 400;
  if (request.include) printBytes(Buffer.from(reply.head));
  const write = failed ? () => undefined : writerTo(request.output);
  for await (const piece of reply.body) write(piece);
  if (failed) say(`sprite-env: the daemon answered ${reply.status}`);
  return failed ? EXIT.failed : EXIT.ok;
}

function writerTo(path: string | undefined): (piece: Buffer) => void {
  if (path === undefined || path === "-") return printBytes;
  const file = open(path);
  return (piece) => {
    for (let left = piece; left.length > 0;) left = left.subarray(writeSync(file, left));
  };
}

function open(path: string): number {
  try {
    return openSync(path, "w");
  } catch (cause) {
    throw new AppError("invalid_request", `cannot write ${path}: ${messageOf(cause)}`, { cause });
  }
}
