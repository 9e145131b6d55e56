import type { LogLine } from "../logs/ports.ts";
import type { StreamLine } from "./ports.ts";

/**
 * Lines of a log as lines of a reply, closed by `complete`. A reader that leaves while no line comes is let go at once.
 *
 * @param leave ends the source
 */
export function logReply(
  source: AsyncIterable<LogLine>,
  leave: () => void,
  complete: () => StreamLine,
): AsyncIterable<StreamLine> {
  const lines = source[Symbol.asyncIterator]();
  let completed = false;
  const next = async (): Promise<IteratorResult<StreamLine, undefined>> => {
    if (completed) return { done: true, value: undefined };
    const item = await lines.next();
    if (item.done !== true) {
      const { stream: type, text, time } = item.value;
      return { done: false, value: { type, data: `${text}\n`, time } };
    }
    completed = true;
    return { done: false, value: complete() };
  };
  const leaveNow = async (): Promise<IteratorResult<StreamLine, undefined>> => {
    completed = true;
    leave();
    await lines.return?.();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: leaveNow }) };
}
