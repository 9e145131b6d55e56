import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { post, Refused } from "../data/http.ts";
import { toast } from "../parts/toast.tsx";
import type { Paper, PaperStep } from "./workbench-wire.ts";

interface PaperOf {
  /** The file was saved: the sequence is tried again. */
  loadedAt: number;
  onState: (state: string | undefined) => void;
}

/** An actor of the machine on paper: events are sent by hand, and nothing is done. */
export function PaperMode({ loadedAt, onState }: PaperOf): JSX.Element {
  const [events, setEvents] = useState<readonly object[]>([]);
  const [paper, setPaper] = useState<Paper | undefined>();
  const [problem, setProblem] = useState<string | undefined>();
  const [text, setText] = useState("");
  useEffect(() => {
    post("/workbench/paper", { events })
      .then((reply) => reply.json() as Promise<Paper>)
      .then(
        (answer) => {
          setPaper(answer);
          setProblem(undefined);
          onState(answer.steps.at(-1)?.to);
        },
        (error: unknown) => setProblem(error instanceof Refused ? error.message : String(error)),
      );
  }, [events, loadedAt]);
  const send = (): void => {
    try {
      const event = JSON.parse(text) as { type?: unknown };
      if (typeof event.type !== "string") throw new Error('an event needs a "type"');
      setEvents([...events, event]);
      setText("");
    } catch (error) {
      setProblem(`That is no event: ${error instanceof Error ? error.message : String(error)}.`);
    }
  };
  return (
    <section class="panel" aria-label="On paper">
      <div class="panel-head">
        <h2>On paper</h2>
        <span class="deeds">
          <button
            type="button"
            class="button small"
            disabled={events.length === 0}
            onClick={() => setEvents(events.slice(0, -1))}
          >
            Take back
          </button>
          <button
            type="button"
            class="button small"
            disabled={events.length === 0}
            onClick={() => void saveTest(events)}
          >
            Save as a test
          </button>
        </span>
      </div>
      <div class="paper">
        <div class="paper-events" role="group" aria-label="Events">
          {paper?.events.map(({ type, example }) => (
            <button
              key={type}
              type="button"
              class="chip"
              onClick={() => setText(JSON.stringify({ ...example, type }, null, 1))}
            >
              {type}
            </button>
          ))}
        </div>
        <textarea
          aria-label="Event to send, as JSON"
          placeholder='{ "type": "…" }'
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button
          type="button"
          class="button primary small"
          disabled={text.trim() === ""}
          onClick={send}
        >
          Send
        </button>
        {problem !== undefined && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
      </div>
      <ol>
        {paper?.steps.map((step, index) => (
          <Step key={index} step={step} isLast={index === paper.steps.length - 1} />
        ))}
      </ol>
    </section>
  );
}

function Step({ step, isLast }: { step: PaperStep; isLast: boolean }): JSX.Element {
  return (
    <li class="paper-step" data-taken={step.taken}>
      <span class="story-type">{step.event.type}</span>{" "}
      {step.error !== undefined ? (
        <span class="paper-refused">{step.error}</span>
      ) : step.taken ? (
        <b>
          {step.from === null ? "" : `${step.from} → `}
          {step.to}
        </b>
      ) : (
        <span class="paper-refused">not taken in {step.to}</span>
      )}
      {step.effects.length > 0 && (
        <ul class="edge-list">
          {step.effects.map(({ type, params }, index) => (
            <li key={index}>
              {type}({params === undefined ? "" : JSON.stringify(params)})
            </li>
          ))}
        </ul>
      )}
      {isLast && <pre>{JSON.stringify(step.context, null, 1)}</pre>}
    </li>
  );
}

/** Downloads the sequence as a test file. */
async function saveTest(events: readonly object[]): Promise<void> {
  try {
    const reply = await post("/workbench/paper/test", {
      events,
      title: "does what was tried on paper",
    });
    const { file, text } = (await reply.json()) as { file: string; text: string };
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = file;
    link.click();
    URL.revokeObjectURL(url);
  } catch (error) {
    toast(error instanceof Refused ? error.message : String(error), true);
  }
}
