import { useEffect } from "preact/hooks";
import { palette } from "./palette-state.ts";
import { at, lookAt } from "./data/time.ts";
import { jump, playing } from "./past/playing.ts";
import { go, href } from "./router.ts";

const isTyping = ({ target }: KeyboardEvent): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** What single keys do; the palette lists them. */
export const KEYS: Readonly<Record<string, { text: string; run: () => void }>> = {
  "/": { text: "Find a service, an event, a command", run: () => (palette.value = true) },
  o: { text: "Overview", run: () => go(href([])) },
  b: { text: "Boots", run: () => go(href(["boots"])) },
  c: { text: "Compare two moments", run: () => go(href(["compare"])) },
  m: { text: "Machines", run: () => go(href(["machine"])) },
  l: { text: "Back to now", run: () => lookAt(undefined) },
  "[": { text: "To the restart before", run: () => void jump("previous", "restart") },
  "]": { text: "To the next restart", run: () => void jump("next", "restart") },
  ",": { text: "One event back", run: () => void jump("previous", undefined) },
  ".": { text: "One event on", run: () => void jump("next", undefined) },
  " ": {
    text: "Play, or stand still",
    run: () => {
      if (at.value !== undefined) playing.value = !playing.value;
    },
  },
};

export function useKeys(): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        palette.value = !palette.value;
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
      if (event.key === " " && event.target instanceof HTMLButtonElement) return; // it presses the button
      const key = KEYS[event.key];
      if (!key) return;
      event.preventDefault();
      key.run();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
