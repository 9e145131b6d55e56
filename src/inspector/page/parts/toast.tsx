import { signal } from "@preact/signals";
import type { JSX } from "preact";

interface Toast {
  id: number;
  text: string;
  isProblem: boolean;
}

const toasts = signal<readonly Toast[]>([]);
let count = 0;
const SHOWN_MS = 6_000;

/** Says what became of something that was asked for. Problems stay until they are closed. */
export function toast(text: string, isProblem = false): void {
  count += 1;
  const id = count;
  toasts.value = [...toasts.value.slice(-3), { id, text, isProblem }];
  if (!isProblem) setTimeout(() => close(id), SHOWN_MS);
}

function close(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

export function ToastHost(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, text, isProblem }) => (
        <div key={id} class={isProblem ? "toast toast-problem" : "toast"}>
          <span>{text}</span>
          <button
            type="button"
            class="icon-button"
            aria-label="Close this message"
            onClick={() => close(id)}
          >
            ×
          </button>
        </div>
      ))}
    </div>
  );
}
