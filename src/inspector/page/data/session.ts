import { signal } from "@preact/signals";
import { get, post, Refused } from "./http.ts";

/** Whose eyes these are. */
export interface Session {
  mode: "daemon" | "workbench";
  actor: string;
  read_only: boolean;
  sprite: string;
  version: string;
}

/** `asking` until the first answer; `none` where the daemon does not know us. */
export const session = signal<Session | "asking" | "none" | Refused>("asking");

export const isReadOnly = (): boolean =>
  typeof session.value !== "object" || session.value instanceof Refused || session.value.read_only;

export async function findSession(): Promise<void> {
  try {
    session.value = await get<Session>("/inspector/session");
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    session.value = error.status === 401 ? "none" : error;
  }
}

/** @throws Refused where the token is wrong */
export async function enter(token: string): Promise<void> {
  await post("/inspector/session", { token });
  await findSession();
}
