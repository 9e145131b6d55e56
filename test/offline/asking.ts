import { join } from "node:path";
import { type Ran, run, SOURCE } from "../cli/harness.ts";
import { temporaryDirectory } from "./fixture.ts";

/** Where no daemon answers. */
const nobody = (): string => join(temporaryDirectory(), "nobody.sock");

/** Runs a verb over a state directory, where no daemon answers. */
export const ask = (stateDirectory: string, ...words: string[]): Promise<Ran> =>
  run(process.execPath, [SOURCE, ...words, "--state-dir", stateDirectory], { socket: nobody() });

/** The same on a pseudo-terminal: standard output and error come as one. Source: script(1). */
export function show(stateDirectory: string, ...words: string[]): Promise<Ran> {
  const command = [process.execPath, SOURCE, ...words, "--state-dir", stateDirectory].join(" ");
  return run("script", ["-qec", command, "/dev/null"], {
    socket: nobody(),
    env: { NO_COLOR: "1" },
  });
}

/** What a verb printed as JSON. */
export const json = (text: string): unknown => JSON.parse(text);
