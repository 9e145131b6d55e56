import { createCipheriv, createDecipheriv, hash, randomBytes } from "node:crypto";
import { AppError } from "../base/errors.ts";
import { readKey, readOrMakeKey, keyFile } from "./key-file.ts";

/** Seals values of `env`, which the log must not hold, and opens them again. */
export interface Sealer {
  /** Makes the key file where there is none. */
  seal(ref: string, value: string): Uint8Array;
  /** @throws AppError `storage_failed`, with `reason` in its details: `key_missing`, `key_wrong`, or `value_damaged` */
  open(ref: string, sealed: Uint8Array): string;
}

/** A sealed value: version, mark of its key, nonce, tag, ciphertext. */
const VERSION = 1;
const MARK_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const NONCE_AT = 1 + MARK_BYTES;
const TAG_AT = NONCE_AT + NONCE_BYTES;
const TEXT_AT = TAG_AT + TAG_BYTES;

/**
 * AES-256-GCM with the key file of a state directory; the reference is authenticated with the value, so that no two can be exchanged.
 *
 * The key lies beside the database: it protects copies, backups and replicas of that, not a machine somebody owns.
 */
export function sealer(stateDirectory: string, mayMakeKey: () => boolean = () => true): Sealer {
  let known: Buffer | undefined;
  return {
    seal: (ref, value) => sealed((known ??= readOrMakeKey(stateDirectory, mayMakeKey)), ref, value),
    open: (ref, value) => {
      const mark = Buffer.from(value.subarray(1, NONCE_AT));
      if (known === undefined || !markOf(known).equals(mark)) known = readKey(stateDirectory);
      if (known === undefined)
        throw unopened(
          ref,
          "key_missing",
          `the key file ${keyFile(stateDirectory)} is gone: restore it`,
        );
      if (!markOf(known).equals(mark))
        throw unopened(
          ref,
          "key_wrong",
          `the key file ${keyFile(stateDirectory)} is not the one it was sealed with: restore that one`,
        );
      return opened(known, ref, value);
    },
  };
}

/** Tells keys apart without telling anything about them. */
const markOf = (key: Buffer): Buffer =>
  hash("sha256", Buffer.concat([Buffer.from("sprite-env key mark"), key]), "buffer").subarray(
    0,
    MARK_BYTES,
  );

function sealed(key: Buffer, ref: string, value: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(ref));
  const text = Buffer.concat([cipher.update(value, "utf8"), cipher.final()]);
  return Buffer.concat([Buffer.of(VERSION), markOf(key), nonce, cipher.getAuthTag(), text]);
}

function opened(key: Buffer, ref: string, value: Uint8Array): string {
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, value.subarray(NONCE_AT, TAG_AT), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(Buffer.from(ref))
      .setAuthTag(value.subarray(TAG_AT, TEXT_AT));
    return Buffer.concat([decipher.update(value.subarray(TEXT_AT)), decipher.final()]).toString(
      "utf8",
    );
  } catch (error) {
    throw unopened(ref, "value_damaged", "its sealed bytes were changed: set it anew", error);
  }
}

const unopened = (ref: string, reason: string, why: string, cause?: unknown): AppError =>
  new AppError("storage_failed", `a value of env cannot be opened: ${why}`, {
    cause,
    details: { ref, reason },
  });
