import { Client, type ExecOptions } from "../../src/client/client.ts";
import type { Sprite } from "./daemon.ts";

interface Ran {
  stdout: string;
  stderr: string;
  code: number | undefined;
}

/** Runs a command over POST /exec, to its end. */
export async function executed(
  made: Sprite,
  command: string[],
  options: ExecOptions = {},
): Promise<Ran> {
  const ran: Ran = { stdout: "", stderr: "", code: undefined };
  for await (const piece of await new Client({ socket: made.socket }).exec(command, options)) {
    if (piece.type === "exit") ran.code = piece.exitCode;
    else ran[piece.type] += piece.data.toString();
  }
  return ran;
}

/** A script of the shell as a command. */
export const shell = (text: string): string[] => ["sh", "-c", text];
