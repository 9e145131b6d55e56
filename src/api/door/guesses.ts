import { isIPv6 } from "node:net";

/** Wrong tokens: whom to turn away for a while. */
export interface Guesses {
  /** Milliseconds until a token from there is looked at again; 0: now. */
  waitMs(address: string): number;
  /** A token from there was wrong. True: it was the last one that is looked at for now. */
  failed(address: string): boolean;
  /** Sources that are remembered. */
  readonly size: number;
}

/** Wrong tokens of one source that are looked at, and the time in which one of them is forgiven. */
const PER_SOURCE = 10;
const FORGIVEN_MS = 6_000;
/** Wrong tokens of all sources together; past them each source has one try. */
const OVERALL = 200;
const OVERALL_FORGIVEN_MS = 300;
/** Sources that are remembered; the one that was heard of longest ago is forgotten first. */
const REMEMBERED = 10_000;

/** What wrong tokens have run up, and time pays off: milliseconds until it is all forgiven. */
interface Debt {
  due: number;
}

const groupsOf = (text: string): string[] => text.split(":").filter(Boolean);

/** Who counts as one: an IPv4 address, or an IPv6 network of 64 bits, which is what one customer has at least. */
export function sourceOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!isIPv6(plain)) return plain;
  const [head = "", tail] = plain.split("%")[0]?.split("::") ?? [];
  const [before, after] = [groupsOf(head), groupsOf(tail ?? "")];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const all = [...before, ...Array.from({ length: zeros }, () => "0"), ...after];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

/**
 * Counts wrong tokens by where they come from, and all together.
 *
 * Right tokens from elsewhere are always looked at: when wrong ones come from everywhere at once, what is left to each
 * source is one try.
 *
 * @param now milliseconds of a clock that never goes back
 */
export function createGuesses(now: () => number): Guesses {
  const sources = new Map<string, Debt>();
  const overall: Debt = { due: 0 };

  const leftOf = ({ due }: Debt): number => Math.max(0, due - now());
  const allowed = (): number =>
    leftOf(overall) > (OVERALL - 1) * OVERALL_FORGIVEN_MS ? 1 : PER_SOURCE;
  const waitOf = (debt: Debt | undefined): number =>
    debt ? Math.max(0, Math.ceil(leftOf(debt) - (allowed() - 1) * FORGIVEN_MS)) : 0;
  const add = (debt: Debt, ms: number, most: number): void => {
    debt.due = now() + Math.min(leftOf(debt) + ms, most * ms);
  };
  const forgetOldest = (): void => {
    const [oldest] = sources.keys();
    if (sources.size > REMEMBERED && oldest !== undefined) sources.delete(oldest);
  };
  return {
    waitMs: (address) => waitOf(sources.get(sourceOf(address))),
    failed: (address) => {
      const source = sourceOf(address);
      const debt = sources.get(source) ?? { due: 0 };
      sources.delete(source); // and to the end of the line
      sources.set(source, debt);
      add(debt, FORGIVEN_MS, PER_SOURCE);
      add(overall, OVERALL_FORGIVEN_MS, OVERALL);
      forgetOldest();
      return waitOf(debt) > 0;
    },
    get size() {
      return sources.size;
    },
  };
}
