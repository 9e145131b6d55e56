import { computed, signal } from "@preact/signals";

/** Where the page is: what stands behind the `#`, so that a link leads to one service, one event, one time. */
export interface Place {
  /** `/service/web` is `["service", "web"]`. */
  path: readonly string[];
  query: URLSearchParams;
}

const hash = signal(location.hash);
addEventListener("hashchange", () => {
  hash.value = location.hash;
});

export const place = computed<Place>(() => {
  const [path = "", query = ""] = hash.value.slice(1).split("?");
  return {
    path: path.split("/").filter(Boolean).map(decoded),
    query: new URLSearchParams(query),
  };
});

/** What somebody cut off in the middle of an escape leads nowhere, instead of breaking the page. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export type Change = Readonly<Record<string, string | number | undefined>>;

/** The address of a place. Of the query `at` is kept, so that who looks at the past stays there; undefined removes. */
export function href(path: readonly string[], change: Change = {}): string {
  const kept = place.value.query.get("at");
  const query = new URLSearchParams(kept === null ? {} : { at: kept });
  return written(path, query, change);
}

/** Changes the query where one is. `replace`: without a step back in the browser's history. */
export function changeQuery(change: Change, replace = false): void {
  const to = written(place.value.path, new URLSearchParams(place.value.query), change);
  if (to === location.hash) return;
  if (replace) {
    history.replaceState(null, "", to);
    hash.value = to;
  } else location.hash = to;
}

export function go(to: string): void {
  location.hash = to;
}

function written(path: readonly string[], query: URLSearchParams, change: Change): string {
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined) query.delete(name);
    else query.set(name, String(value));
  }
  const text = query.toString();
  return `#/${path.map(encodeURIComponent).join("/")}${text && `?${text}`}`;
}
