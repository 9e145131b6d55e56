import { kindOf, type EventRow } from "../../journal/record.ts";

/** Which events somebody wants; what is absent narrows nothing. */
export interface EventFilter {
  /** Of this service alone. */
  service?: string;
  /** Of streams of this kind alone: `service`, `environment`. */
  kind?: string;
  /** Of these types alone; `process.*` is all that begin with `process.`. */
  types?: readonly string[];
}

/** The stream of a filter that is about one. */
export const streamOf = ({ service }: EventFilter): string | undefined =>
  service === undefined ? undefined : `service/${service}`;

const isOfType = (type: string, wanted: string): boolean =>
  wanted.endsWith(".*") ? type.startsWith(wanted.slice(0, -1)) : type === wanted;

/** Whether an event is wanted; undefined where all are, so that nobody is asked. */
export function wants(filter: EventFilter): ((row: EventRow) => boolean) | undefined {
  const { kind, types } = filter;
  const stream = streamOf(filter);
  if (stream === undefined && kind === undefined && types === undefined) return undefined;
  return (row) =>
    (stream === undefined || row.stream === stream) &&
    (kind === undefined || kindOf(row.stream) === kind) &&
    (types === undefined || types.some((wanted) => isOfType(row.type, wanted)));
}
