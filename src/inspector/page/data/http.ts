/** What the daemon refused, or that it could not be asked. */
export class Refused extends Error {
  /** 0: no answer came. */
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>;

export function address(path: string, query: Query = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  const text = new URLSearchParams(given).toString();
  return text ? `${path}?${text}` : path;
}

/** Says that a page of the daemon asks: one of another site cannot add it. */
export const OURS = { "sprite-page": "1" } as const;

/** @throws Refused */
export async function get<Answer>(
  path: string,
  query?: Query,
  signal?: AbortSignal,
): Promise<Answer> {
  return (await asked(address(path, query), { signal: signal ?? null }).then((reply) =>
    reply.json(),
  )) as Answer;
}

/**
 * @throws Refused
 */
export const post = async (path: string, body?: object): Promise<Response> =>
  asked(path, sending("POST", body));

/** @throws Refused */
export const remove = async (path: string): Promise<Response> => asked(path, { method: "DELETE" });

export const sending = (method: string, body?: object): RequestInit => ({
  method,
  ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
});

async function asked(path: string, init: RequestInit): Promise<Response> {
  let reply: Response;
  try {
    const headers = { ...OURS, ...(init.headers as Record<string, string> | undefined) };
    reply = await fetch(path, { ...init, headers, credentials: "same-origin" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Refused(0, "unreachable", "The daemon does not answer.");
  }
  if (reply.ok) return reply;
  throw await refusal(reply);
}

async function refusal(reply: Response): Promise<Refused> {
  const text = await reply.text();
  try {
    const { error, message } = JSON.parse(text) as { error: string; message: string };
    return new Refused(reply.status, error, message);
  } catch {
    return new Refused(reply.status, "unknown", `${reply.status} ${reply.statusText}`);
  }
}
