import { signal } from "@preact/signals";

/** Whether the palette is open. */
export const palette = signal(false);
