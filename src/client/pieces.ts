/** What a command wrote, as it came, or at last how it ended. */
export type ExecPiece =
  | { type: "stdout" | "stderr"; data: Buffer }
  /** 128 and the number for a signal; 127 where there is no such program, 126 where it cannot be run. */
  | { type: "exit"; exitCode: number };

/** Bytes that say what follows. */
const STDERR = 2;
const EXIT = 3;

/**
 * The pieces of a command's output.
 *
 * @param chunks each is one piece, and begins with the byte that says what it is
 */
export async function* piecesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<ExecPiece, void> {
  for await (const chunk of chunks) {
    const data = chunk.subarray(1);
    if (chunk[0] === EXIT) yield { type: "exit", exitCode: data[0] ?? 0 };
    else yield { type: chunk[0] === STDERR ? "stderr" : "stdout", data };
  }
}
