import { computed, signal } from "@preact/signals";
import { changeQuery, place } from "../router.ts";

/** The row that the page looks from; undefined: now, and what comes. */
export const at = computed<number | undefined>(() => {
  const text = place.value.query.get("at");
  const seq = text === null ? Number.NaN : Number(text);
  return Number.isSafeInteger(seq) && seq > 0 ? seq : undefined;
});

export const isPast = computed(() => at.value !== undefined);

/** To a moment; undefined: back to now. */
export function lookAt(seq: number | undefined, replace = false): void {
  changeQuery({ at: seq }, replace);
}

/** Milliseconds since the epoch, once a second, for what counts up. */
export const now = signal(Date.now());
setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1_000);
