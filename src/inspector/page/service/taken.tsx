import type { JSX } from "preact";
import { at } from "../data/time.ts";
import { lastSeq } from "../data/feed.ts";
import type { Told } from "../data/wire.ts";
import { Trouble } from "../parts/empty.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { changeQuery } from "../router.ts";
import { dateText } from "../words.ts";

const LIMIT = 50;

/** The events that took an edge. */
export function Taken({
  service,
  from,
  to,
}: {
  service: string;
  from: string;
  to: string;
}): JSX.Element {
  const before = at.value === undefined ? undefined : at.value + 1;
  const { value, problem, again } = useAnswer<Told>(
    `/v1/past/taken/${encodeURIComponent(service)}`,
    { from, to, before, limit: LIMIT },
    at.value ?? Math.floor(lastSeq.value / 10),
  );
  return (
    <section class="panel side-panel" aria-label="Events that took the edge">
      <div class="panel-head">
        <h2>
          {from} → {to}
        </h2>
        <button
          type="button"
          class="icon-button"
          aria-label="Close"
          onClick={() => changeQuery({ edge: undefined })}
        >
          ×
        </button>
      </div>
      {problem !== undefined && <Trouble text={problem} again={again} />}
      {value?.events.length === 0 && (
        <p class="note">
          No event has taken this way{at.value === undefined ? " yet" : " up to this moment"}.
        </p>
      )}
      <ol class="taken" reversed>
        {value?.events.map((event) => (
          <li key={event.seq}>
            <button
              type="button"
              data-seq={event.seq}
              onClick={() => changeQuery({ event: event.seq, edge: undefined })}
            >
              <time>{dateText(event.wall)}</time>
              <span class="story-type">{event.type}</span>
              <span class="story-words">{event.text}</span>
              <span class="story-seq">#{event.seq}</span>
            </button>
          </li>
        ))}
      </ol>
      {value?.more && (
        <p class="note">
          These are the newest {LIMIT}. Earlier ones show when you go back in time.
        </p>
      )}
    </section>
  );
}
