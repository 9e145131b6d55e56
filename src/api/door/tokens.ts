import { hash, timingSafeEqual } from "node:crypto";
import type { ApiToken } from "../../config/tokens.ts";

/** Somebody whose token is right. */
export interface Bearer {
  name: string;
  readOnly: boolean;
  /** Who is written down for what is done; absent: the token of that name. */
  actor?: string;
}

const digest = (text: string): Buffer => hash("sha256", text, "buffer");

/**
 * Finds whose token it is.
 *
 * What is compared are digests, of one length whatever was sent, each in constant time and all of them always: how long
 * the answer takes tells nothing about how much of a guess was right.
 */
export function tokenBook(tokens: readonly ApiToken[]): (token: string) => Bearer | undefined {
  const known = tokens.map(({ name, token, readOnly }) => ({
    bearer: { name, readOnly },
    digest: digest(token),
  }));
  return (token) => {
    const given = digest(token);
    return known.filter((one) => timingSafeEqual(one.digest, given))[0]?.bearer;
  };
}
