/*
 * How many columns of a terminal a text takes. Source: Unicode Standard Annex 11 (East Asian Width), as terminals follow it: wide and
 * fullwidth characters and emoji take two, combining and invisible ones none, a sequence of emoji as much as one.
 */

const ASCII = /^[\x20-\x7e]*$/;

/** Scripts and blocks whose characters are wide. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6b\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\p{Emoji}\ufe0f/u;

const INVISIBLE = /^[\p{Mn}\p{Me}\p{Cf}\u115f-\u11ff\ud7b0-\ud7ff]+$/u;

let graphemes: Intl.Segmenter | undefined;

/** What a reader takes for one character each. */
function clusters(text: string): string[] {
  graphemes ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

function clusterWidth(cluster: string): number {
  if (INVISIBLE.test(cluster)) return 0;
  return WIDE.test(cluster) ? 2 : 1;
}

/** Columns that a text takes on a terminal; it must have gone through `printable`. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  return clusters(text).reduce((sum, cluster) => sum + clusterWidth(cluster), 0);
}

/** A text in at most so many columns: what does not fit is cut, and `…` stands for it. */
export function cutTo(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  if (columns <= 0) return "";
  let kept = "";
  let width = 0;
  for (const cluster of clusters(text)) {
    width += clusterWidth(cluster);
    if (width > columns - 1) break;
    kept += cluster;
  }
  return `${kept.trimEnd()}…`;
}

/** A text with blanks after it, so that it takes at least so many columns. */
export const padTo = (text: string, columns: number): string =>
  text + " ".repeat(Math.max(0, columns - textWidth(text)));
