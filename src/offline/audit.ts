import { AppError } from "../base/errors.ts";
import { type Head, trustedHead } from "../journal/head.ts";
import { type Verification, verifyLog } from "../journal/verify.ts";
import type { Store } from "./store.ts";

interface VerifyRequest {
  /** What `audit head` printed once: it must hold one hash, which must be in the log. */
  head?: string | undefined;
  /** Called now and then with the rows checked and those there are. */
  onProgress?: (rows: number, of: number) => void;
}

/**
 * Walks the whole chain. It takes its time, and takes it in this process.
 *
 * @throws AppError `invalid_request` where `head` holds no hash
 */
export function verifyStore({ db, reader }: Store, request: VerifyRequest): Verification {
  const { onProgress } = request;
  const of = reader.head().seq - reader.firstSeq() + 1;
  return verifyLog(db, {
    ...(request.head !== undefined && { head: hashIn(request.head) }),
    ...(onProgress && { onProgress: (rows: number) => onProgress(rows, of) }),
  });
}

/** The hash in a text, so that what `audit head` printed can be given back as it stands, table or JSON. */
function hashIn(text: string): string {
  const [hash, another] = text.toLowerCase().match(/\b[0-9a-f]{64}\b/g) ?? [];
  if (hash !== undefined && another === undefined) return hash;
  throw new AppError(
    "invalid_request",
    `--head is "${text.slice(0, 80)}": allowed is one hash of 64 hexadecimal digits, as audit head prints it`,
  );
}

/**
 * The log's last row and its hash: what to note elsewhere. An empty log has row 0 and a hash of zeros.
 *
 * @throws AppError `log_corrupt` where the end was cut off
 */
export function headOfStore({ db }: Store): Head {
  return db.transaction(() => trustedHead(db))(); // row and note as of one moment
}
