import type { EnvValue } from "../../machines/definition.ts";
import { AppError } from "../base/errors.ts";
import type { Clock } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { EventReader } from "../journal/event-reader.ts";
import type { SealedValue } from "../journal/journal.ts";
import type { Sealer } from "../journal/seal.ts";

/** By name: in clear, or as a definition holds them. Variables of the daemon are named in both, and read by whoever starts the service. */
type Values = { readonly [name: string]: EnvValue };

/** Values of `env`, which definitions hold by reference only. */
export interface EnvValues {
  /**
   * References for values in clear. A value that `old` has under the same name keeps its reference.
   *
   * @returns the references, and the values to store in the transaction that stores them
   */
  seal(values: Values, old: Values): { references: Values; sealed: SealedValue[] };
  /** @throws AppError `storage_failed` that names the variables which cannot be opened */
  open(references: Values): Values;
}

export function envValues(deps: {
  reader: Pick<EventReader, "sealedValue">;
  sealer: Sealer;
  ids: Pick<Ids, "secret">;
  clock: Clock;
}): EnvValues {
  const { reader, sealer, ids, clock } = deps;
  /** Values whose row is on its way to the disk. */
  const fresh = new Map<string, string>();

  const openOne = (ref: string): string => {
    const known = fresh.get(ref);
    if (known !== undefined) return known;
    const sealed = reader.sealedValue(ref);
    if (!sealed) throw new AppError("storage_failed", `no value is stored under ${ref}`);
    return sealer.open(ref, sealed);
  };
  const opened = (ref: string | undefined): string | undefined => {
    try {
      return ref === undefined ? undefined : openOne(ref);
    } catch (error) {
      if (error instanceof AppError) return undefined; // not the same, then
      throw error;
    }
  };

  return {
    seal: (values, old) => {
      const sealed: SealedValue[] = [];
      const references = Object.entries(values).map(([name, value]) => {
        if (typeof value !== "string") return [name, value] as const;
        const known = Object.hasOwn(old, name) ? old[name] : undefined;
        if (typeof known === "string" && opened(known) === value) return [name, known] as const;
        const ref = ids.secret();
        sealed.push({ ref, sealed: sealer.seal(ref, value), at: clock.now() });
        remember(fresh, ref, value);
        return [name, ref] as const;
      });
      return { references: Object.fromEntries(references), sealed };
    },
    open: (references) => {
      const failed: string[] = [];
      const values = Object.entries(references).flatMap(([name, ref]) => {
        try {
          return [[name, typeof ref === "string" ? openOne(ref) : ref] as const];
        } catch {
          failed.push(name);
          return [];
        }
      });
      if (failed.length > 0) {
        const message = `the values of ${failed.join(", ")} cannot be read: the key file env.key is gone or another one; restore it, or set them anew`;
        throw new AppError("storage_failed", message, { details: { variables: failed } });
      }
      return Object.fromEntries(values);
    },
  };
}

const FRESH_VALUES = 1_000;

/** Only as long as their commit may take; the oldest are on disk when so many newer ones came. */
function remember(fresh: Map<string, string>, ref: string, value: string): void {
  fresh.set(ref, value);
  if (fresh.size > FRESH_VALUES) fresh.delete(fresh.keys().next().value ?? "");
}
