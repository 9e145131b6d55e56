import { type IncomingMessage, request as send } from "node:http";

/** An answer of the daemon, whole. */
export interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  text: string;
}

export interface Question {
  method?: string;
  path: string;
  /** Sent as JSON; a text as it stands. */
  body?: unknown;
  headers?: Record<string, string>;
  /** Called when the head of the answer is there: its request is taken, or refused. True: the rest is not waited for. */
  onHead?: (status: number) => boolean;
}

const textOf = (body: unknown): string => (typeof body === "string" ? body : JSON.stringify(body));

/**
 * One request over a socket, and its answer.
 *
 * @throws what Node says of a connection that is refused or breaks off
 */
export function ask(socketPath: string, question: Question): Promise<Answer> {
  const { method = "GET", path, body, headers = {}, onHead } = question;
  return new Promise((resolve, reject) => {
    const request = send({ socketPath, method, path, headers, agent: false }, (answer) => {
      const status = answer.statusCode ?? 0;
      if (onHead?.(status)) {
        resolve({ status, headers: answer.headers, text: "" });
        request.destroy();
        return;
      }
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => void chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (answer.complete) resolve({ status, headers: answer.headers, text });
        else reject(new Error(`the answer to ${method} ${path} broke off`));
      });
    });
    request.on("error", reject);
    request.end(body === undefined ? undefined : textOf(body));
  });
}
