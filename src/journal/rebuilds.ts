import { AppError } from "../base/errors.ts";
import type { ProjectionNews, Value } from "./protocol.ts";

interface Waiting {
  resolve: () => void;
  reject: (error: Error) => void;
}

/** Those who wait until a read model is made anew. */
export class Rebuilds {
  readonly #waiting = new Map<string, Set<Waiting>>();

  /**
   * Resolves when it is made.
   *
   * @param ask begins it, and answers whether there is one of that name
   * @throws AppError `not_found`, `storage_failed`
   */
  async wait(projection: string, ask: () => Promise<Value>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const all = this.#waiting.get(projection) ?? new Set();
    const one = { resolve, reject };
    this.#waiting.set(projection, all.add(one));
    promise.catch(() => {}); // where the thread ends first, what it was asked rejects, too
    try {
      if (!(await ask())) throw new AppError("not_found", `there is no read model "${projection}"`);
      await promise;
    } finally {
      all.delete(one);
    }
  }

  heard(news: ProjectionNews): void {
    const { projection } = news;
    if (news.outcome === "stale") return;
    for (const { resolve, reject } of this.#waiting.get(projection) ?? []) {
      if (news.outcome === "made") resolve();
      else reject(new AppError("storage_failed", `the read model ${projection}: ${news.reason}`));
    }
  }

  /** No more news will come. */
  end(error: Error): void {
    for (const all of this.#waiting.values()) for (const { reject } of all) reject(error);
  }
}
