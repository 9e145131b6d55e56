import * as fc from "fast-check";
import { expect, it } from "vitest";
import { createStamper, nothingHeld } from "../../src/logs/stamp.ts";

/** What a stamper makes of chunks, as text; and the counts it gave. */
function stamped(chunks: readonly Buffer[]): { text: string; lines: number } {
  const stamper = createStamper();
  const unfinished = nothingHeld();
  const result = { text: "", lines: 0 };
  const sink = (bytes: Buffer, lines: number): void => {
    result.text += bytes.toString("latin1");
    result.lines += lines;
  };
  for (const chunk of chunks) stamper.stamp(chunk, unfinished, "> ", sink);
  stamper.end(unfinished, "> ", sink);
  return result;
}

const chunk = fc
  .array(fc.oneof(fc.constant(10), fc.integer({ min: 0, max: 255 })), { maxLength: 40 })
  .map((bytes) => Buffer.from(bytes));

it("stamps the same lines however the bytes are split into chunks", () => {
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 8 }), (chunks) => {
      const whole = Buffer.concat(chunks).toString("latin1");
      const lines = whole.split("\n");
      if (lines.at(-1) === "") lines.pop();
      const expected = lines.map((line) => `> ${line}\n`).join("");
      expect(stamped(chunks)).toEqual({ text: expected, lines: lines.length });
    }),
  );
});

it("loses no byte of long lines, whatever their length and the chunks'", () => {
  const size = fc.integer({ min: 0, max: 200_000 });
  fc.assert(
    fc.property(fc.array(size, { maxLength: 4 }), size, (sizes, tail) => {
      const chunks = sizes.map((length) => Buffer.alloc(length, "é"));
      chunks.push(Buffer.from(`\n${"y".repeat(tail)}`));
      const { text } = stamped(chunks);
      const lines = text.split("\n").map((line) => line.replace(/^> (\[cont\] )?/, ""));
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(65_536);
      const bytes = sizes.reduce((a, b) => a + b, 0) + tail;
      expect(lines.join("").length).toBe(bytes);
    }),
    { numRuns: 50 },
  );
});
