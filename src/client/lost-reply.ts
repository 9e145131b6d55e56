import { AppError } from "../base/errors.ts";

/** A request that was sent and whose reply did not come whole: whether it was carried out is not known. */
export class LostReply extends AppError {
  constructor(message: string, cause?: unknown) {
    super("daemon_unreachable", message, { cause });
  }
}
