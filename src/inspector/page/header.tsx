import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { connection, lastSeq } from "./data/feed.ts";
import { session } from "./data/session.ts";
import { at, lookAt, now } from "./data/time.ts";
import { palette } from "./palette-state.ts";
import { href, place } from "./router.ts";
import { countText, shortDuration } from "./words.ts";

const PAGES = [
  [[], "Overview"],
  [["boots"], "Boots"],
  [["compare"], "Compare"],
  [["machine"], "Machines"],
] as const;

export function Header(): JSX.Element {
  const who = session.value;
  const known = typeof who === "object" && "mode" in who ? who : undefined;
  const isWorkbench = known?.mode === "workbench";
  const here = place.value.path[0] === "service" ? undefined : place.value.path[0];
  return (
    <header class="header">
      <a class="brand" href={isWorkbench ? "#/machine" : href([])}>
        <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
          <rect width="32" height="32" rx="8" class="brand-ground" />
          <path d="M13 15l6-4M13 17l6 4" stroke="#fff" stroke-width="2.5" />
          <circle cx="9" cy="16" r="4" fill="#fff" />
          <circle cx="23" cy="9" r="3.5" fill="none" stroke="#fff" stroke-width="2.5" />
          <circle cx="23" cy="23" r="4" fill="#f2b84b" />
        </svg>
        <span class="brand-name">{known?.sprite ?? "sprite-env"}</span>
      </a>
      {!isWorkbench && (
        <nav class="nav" aria-label="Pages">
          {PAGES.map(([path, text]) => (
            <a
              key={text}
              href={href(path)}
              aria-current={
                here === path[0] && place.value.path[0] !== "service" ? "page" : undefined
              }
            >
              {text}
            </a>
          ))}
        </nav>
      )}
      <span class="header-gap" />
      {known?.read_only && (
        <span class="pill" title="This session can look and change nothing">
          read-only
        </span>
      )}
      {!isWorkbench && <Now />}
      {!isWorkbench && (
        <button
          type="button"
          class="button small palette-button"
          onClick={() => (palette.value = true)}
        >
          <span>Find</span> <kbd>/</kbd>
        </button>
      )}
      <Theme />
    </header>
  );
}

/** Whether what is shown is now, and whether the daemon still speaks. */
function Now(): JSX.Element {
  const { value } = connection;
  if (value.state === "lost")
    return (
      <span class="pill pill-lost" role="alert" title={value.why}>
        lost the daemon {shortDuration(Math.max(0, now.value - value.since))} ago, trying again ·
        last event #{countText(lastSeq.value)}
      </span>
    );
  if (at.value !== undefined)
    return (
      <button
        type="button"
        class="pill pill-past"
        onClick={() => lookAt(undefined)}
        title="Back to now (l)"
      >
        the past, after #{countText(at.value)} · back to now
      </button>
    );
  if (value.state === "connecting") return <span class="pill">connecting…</span>;
  return (
    <span class="pill pill-live" title={`The newest event is #${lastSeq.value}`}>
      ● live
    </span>
  );
}

type Look = "light" | "dark";

function kept(): Look | undefined {
  const text = localStorage.getItem("sprite-env-theme");
  return text === "light" || text === "dark" ? text : undefined;
}

const chosen = signal<Look | undefined>(kept());
const show = (look: Look | undefined): void => {
  if (look) document.documentElement.dataset["theme"] = look;
};
show(chosen.value);

function Theme(): JSX.Element {
  const isDark =
    (chosen.value ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) ===
    "dark";
  const turn = (): void => {
    chosen.value = isDark ? "light" : "dark";
    localStorage.setItem("sprite-env-theme", chosen.value);
    show(chosen.value);
  };
  return (
    <button
      type="button"
      class="icon-button"
      aria-label={isDark ? "To the light look" : "To the dark look"}
      onClick={turn}
    >
      <svg width="16" height="16" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">
        <path
          d={
            isDark
              ? "M8 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM7.3 1h1.4v2H7.3zM7.3 13h1.4v2H7.3zM1 7.3h2v1.4H1zM13 7.3h2v1.4h-2zM2.6 3.6l1-1L5 4l-1 1zM11 12l1-1 1.4 1.4-1 1zM11 4l1.4-1.4 1 1L12 5zM2.6 12.4L4 11l1 1-1.4 1.4z"
              : "M6.5 1.8A6.3 6.3 0 1 0 14.2 10 5.4 5.4 0 0 1 6.5 1.8z"
          }
        />
      </svg>
    </button>
  );
}
