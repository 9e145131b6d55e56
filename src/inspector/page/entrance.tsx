import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Refused } from "./data/http.ts";
import { enter } from "./data/session.ts";

/** Where the daemon does not know who looks: how to come in. */
export function Entrance(): JSX.Element {
  const [problem, setProblem] = useState<string | undefined>();
  const [isBusy, setBusy] = useState(false);
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const token = new FormData(event.target as HTMLFormElement).get("token");
    if (typeof token !== "string" || token === "") return setProblem("Enter a token first.");
    setBusy(true);
    try {
      await enter(token);
    } catch (error) {
      setProblem(error instanceof Refused ? error.message : String(error));
    }
    setBusy(false);
  };
  return (
    <main class="entrance">
      <h1>sprite-env</h1>
      <p>
        On the machine itself, <code>sprite-env inspect</code> opens this page without a token. Its
        address works once, and what you see here is bound to this browser.
      </p>
      <form onSubmit={(event) => void send(event as unknown as SubmitEvent)}>
        <label>
          API token
          <input
            name="token"
            type="password"
            autocomplete="current-password"
            spellcheck={false}
            aria-invalid={problem !== undefined}
          />
        </label>
        {problem !== undefined && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="button primary" disabled={isBusy}>
          Come in
        </button>
      </form>
    </main>
  );
}
