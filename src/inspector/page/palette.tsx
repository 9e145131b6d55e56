import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { names, serviceNamed } from "./data/services.ts";
import { isReadOnly } from "./data/session.ts";
import { isPast, lookAt } from "./data/time.ts";
import { KEYS } from "./keys.ts";
import { palette } from "./palette-state.ts";
import { PhaseIcon } from "./parts/phase.tsx";
import { go, href } from "./router.ts";
import { act, allowed, type Deed } from "./service/deeds.ts";

interface Choice {
  id: string;
  text: string;
  hint: string;
  phase?: string;
  run: () => void;
}

const SHOWN = 12;

/** Everything the page can do, by name. */
export function Palette(): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const isOpen = palette.value;
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  return (
    <dialog
      ref={dialog}
      class="palette"
      aria-label="Find a service, an event or a command"
      onClose={() => (palette.value = false)}
      onClick={(event) => event.target === dialog.current && (palette.value = false)}
    >
      {isOpen && <Search />}
    </dialog>
  );
}

function Search(): JSX.Element {
  const [text, setText] = useState("");
  const [place, setPlace] = useState(0);
  const found = useMemo(() => matching(choices(text), text).slice(0, SHOWN), [text, names.value]);
  const chosen = Math.min(place, found.length - 1);
  const press = (event: KeyboardEvent): void => {
    if (event.key === "ArrowDown") setPlace((chosen + 1) % Math.max(1, found.length));
    else if (event.key === "ArrowUp")
      setPlace((chosen - 1 + found.length) % Math.max(1, found.length));
    else if (event.key === "Enter") take(found[chosen]);
    else return;
    event.preventDefault();
  };
  return (
    <>
      <input
        autofocus
        class="palette-input"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[chosen] ? `choice-${chosen}` : undefined}
        aria-label="Search"
        placeholder="A service, an event number, a command…"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setPlace(0);
        }}
        onKeyDown={press}
      />
      <ul id="palette-list" role="listbox" aria-label="What was found">
        {found.map((choice, index) => (
          <li
            key={choice.id}
            id={`choice-${index}`}
            role="option"
            aria-selected={index === chosen}
            class="palette-choice"
            onMouseMove={() => setPlace(index)}
            onClick={() => take(choice)}
          >
            {choice.phase === undefined ? (
              <span class="palette-mark">›</span>
            ) : (
              <PhaseIcon phase={choice.phase} />
            )}
            <span class="palette-text">{choice.text}</span>
            <span class="palette-hint">{choice.hint}</span>
          </li>
        ))}
        {found.length === 0 && <li class="palette-none">Nothing is called “{text}”.</li>}
      </ul>
    </>
  );
}

function take(choice: Choice | undefined): void {
  if (!choice) return;
  palette.value = false;
  choice.run();
}

const matching = (all: readonly Choice[], text: string): Choice[] => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((one) => words.every((word) => one.text.toLowerCase().includes(word)));
};

function choices(text: string): Choice[] {
  const seq = /^#?(\d+)$/.exec(text.trim())?.[1];
  const services = names.value.map<Choice>((name) => {
    const phase = serviceNamed(name)?.state.phase ?? "unknown";
    return {
      id: `service ${name}`,
      text: name,
      hint: phase,
      phase,
      run: () => go(href(["service", name])),
    };
  });
  const commands = Object.entries(KEYS)
    .filter(([key]) => key !== "/")
    .map<Choice>(([key, { text: says, run }]) => ({
      id: says,
      text: says,
      hint: key === " " ? "space" : key,
      run,
    }));
  const moment: Choice[] =
    seq === undefined
      ? []
      : [
          {
            id: "moment",
            text: `#${seq}: look at everything after this event`,
            hint: "time",
            run: () => lookAt(Number(seq)),
          },
        ];
  return [
    ...moment,
    ...services,
    ...commands,
    ...(isReadOnly() || isPast.value ? [] : deeds(text)),
  ];
}

/** Commands to services come up once somebody writes one. */
function deeds(text: string): Choice[] {
  const [verb = ""] = text.trim().toLowerCase().split(/\s+/);
  const wanted = (["start", "stop", "restart"] as const).filter(
    (one) => verb !== "" && one.startsWith(verb),
  );
  return wanted.flatMap((deed: Deed) =>
    names.value.flatMap((name) => {
      const view = serviceNamed(name);
      if (!view || !allowed(view).includes(deed)) return [];
      return [
        {
          id: `${deed} ${name}`,
          text: `${deed} ${name}`,
          hint: view.state.phase,
          run: () => void act(deed, view),
        },
      ];
    }),
  );
}
