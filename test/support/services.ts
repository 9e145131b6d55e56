import { type Ended, fixture, type Sprite } from "./daemon.ts";
import { freePort } from "./ports.ts";
import { describeProcess, processesAt } from "./processes.ts";
import { until } from "./until.ts";

/** A web server as a service, as people make their first one. */
export async function createWeb(
  made: Sprite,
  ...flags: string[]
): Promise<Ended & { port: number }> {
  const port = await freePort();
  const args = ["--cmd", "python3", "--args", `-m,http.server,${port}`, "--http-port", `${port}`];
  const ended = await made.cli("services", "create", "web", ...args, ...flags);
  return { ...ended, port };
}

/** A service that runs until somebody ends it. */
export const createForever = (made: Sprite, name: string, ...flags: string[]): Promise<Ended> =>
  made.cli("services", "create", name, "--cmd", fixture("forever"), "--no-stream", ...flags);

/** What a web server answers at its root, once it does. */
export const textAt = (port: number): Promise<string> =>
  until(`port ${port} answers`, () =>
    fetch(`http://127.0.0.1:${port}/`).then(
      (answer) => answer.text(),
      () => undefined,
    ),
  );

/** Everything alive that a service of the sprite has started. */
export const ofServices = (made: Sprite): string[] =>
  processesAt(made.home)
    .filter((pid) => pid !== made.daemon?.pid)
    .map(describeProcess);

/** A program that goes on with its shutdown until it gets KILL. */
export async function putStubborn(made: Sprite, name: string): Promise<void> {
  await made.put(name, { cmd: fixture("ignores-term") });
  await made.untilLogged(name, "up");
}
