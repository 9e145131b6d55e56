import { useEffect, useState } from "preact/hooks";
import { address, get, type Query, Refused } from "../data/http.ts";

export interface Answer<Value> {
  value: Value | undefined;
  problem: string | undefined;
  isAsking: boolean;
  again: () => void;
}

/**
 * The answer to a question, asked again when the question changes; the last answer stays until the next one is there.
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
  useEffect(() => {
    if (question === undefined) return undefined;
    const mine = new AbortController();
    setState(({ value }) => ({ ...(value !== undefined && { value }), isAsking: true }));
    get<Value>(question, undefined, mine.signal).then(
      (value) => setState({ value, isAsking: false }),
      (error: unknown) => {
        if (mine.signal.aborted) return;
        const problem = error instanceof Refused ? error.message : String(error);
        setState(({ value }) => ({
          ...(value !== undefined && { value }),
          problem,
          isAsking: false,
        }));
      },
    );
    return () => mine.abort();
  }, [question, key, round]);
  return {
    value: state.value,
    problem: state.problem,
    isAsking: state.isAsking,
    again: () => setRound((count) => count + 1),
  };
}
