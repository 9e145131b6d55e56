import { useEffect, useRef, useState } from "preact/hooks";
import { address, get, type Query, Refused } from "../data/http.ts";

/** Between an answer and the same question anew, in milliseconds. */
const PAUSE_MS = 250;

export interface Answer<Value> {
  value: Value | undefined;
  problem: string | undefined;
  isAsking: boolean;
  again: () => void;
}

/**
 * The answer to a question, asked again when the question changes; the last answer stays until the next one is there.
 *
 * A key that changes takes back no question that is on its way: where it changes faster than answers come, there would never be one.
 *
 * @param path undefined: nothing is asked
 * @param key asks again when it changes
 */
export function useAnswer<Value>(
  path: string | undefined,
  query: Query = {},
  key: unknown = 0,
): Answer<Value> {
  const [state, setState] = useState<{ value?: Value; problem?: string; isAsking: boolean }>({
    isAsking: path !== undefined,
  });
  const [round, setRound] = useState(0);
  const question = path === undefined ? undefined : address(path, query);
  const newest = useRef(key);
  newest.current = key;
  const refresh = useRef<() => void>(undefined);
  useEffect(() => {
    if (question === undefined) return undefined;
    const mine = new AbortController();
    let isAsking = false;
    let later: ReturnType<typeof setTimeout> | undefined;
    const ask = (): void => {
      if (isAsking) return;
      clearTimeout(later);
      isAsking = true;
      const asked = newest.current;
      const answered = (answer: { value?: Value; problem?: string }): void => {
        isAsking = false;
        if (mine.signal.aborted) return;
        setState((before) => ({ ...before, ...answer, isAsking: false }));
        if (newest.current !== asked) later = setTimeout(ask, PAUSE_MS);
      };
      setState(({ value }) => ({ ...(value !== undefined && { value }), isAsking: true }));
      get<Value>(question, undefined, mine.signal).then(
        (value) => answered({ value }),
        (error: unknown) =>
          answered({ problem: error instanceof Refused ? error.message : String(error) }),
      );
    };
    refresh.current = ask;
    ask();
    return () => {
      mine.abort();
      clearTimeout(later);
      refresh.current = undefined;
    };
  }, [question, round]);
  useEffect(() => refresh.current?.(), [key]);
  return {
    value: state.value,
    problem: state.problem,
    isAsking: state.isAsking,
    again: () => setRound((count) => count + 1),
  };
}
