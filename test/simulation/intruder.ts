import type { Draft } from "../../src/journal/record.ts";
import { Broken } from "./broken.ts";
import type { World } from "./world.ts";

/**
 * Somebody whose picture of the log is wrong appends to it, as a bug in the runtime would: a version that is taken, or one that leaves a gap. It must be refused.
 *
 * @param ahead 0: the version that is taken; else by how many the next one is missed
 */
export function intrude(
  world: World,
  { service, ahead }: { service: string; ahead: number },
): void {
  const { daemon, ledger } = world;
  const stream = `service/${service}`;
  const last = ledger.lastOf(stream);
  if (!daemon?.isAtRest || !last) return;
  const { seq: _seq, prevHash: _prev, hash: _hash, ...rest } = last;
  const version = ahead === 0 ? last.version : last.version + 1 + ahead;
  const draft: Draft = { ...rest, id: `intruder_${last.seq}`, version };
  void daemon.store.writer.append([{ rows: [{ draft, view: {} }] }]).then(({ outcome }) => {
    if (outcome === "committed")
      world.broke(
        new Broken("I14", `version ${version} of ${stream} was taken after ${last.version}`),
      );
  });
}
