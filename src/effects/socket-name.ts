import { chmodSync, mkdirSync, readdirSync, statSync, unlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { MAX_NAME_BYTES } from "../posix/datagram.ts";

const isAbstract = (name: string): boolean => name.startsWith("@");

/**
 * Name of an incarnation's socket: a path, unless that is too long for a socket, or leads through a directory that is closed to a service which runs as
 * another user; then an abstract name, which needs no directory. Only root's services can be another's. Source: unix(7), sd_notify(3).
 *
 * Makes the directory, too. Throws what the file system throws.
 */
export function nameIn(directory: string, incarnation: string): string {
  const path = join(directory, incarnation);
  const abstract = `@sprite-env/${incarnation}`;
  if (Buffer.byteLength(path) > MAX_NAME_BYTES) return abstract;
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  chmodSync(directory, 0o711); // whatever the umask
  return process.getuid?.() === 0 && !leadsThrough(directory) ? abstract : path;
}

/** Whether everybody may go through a directory and all above it. */
function leadsThrough(directory: string): boolean {
  const isOpen = (statSync(directory).mode & 0o001) !== 0;
  return isOpen && (directory === dirname(directory) || leadsThrough(dirname(directory)));
}

/** Lets everybody write to a socket: a service may run as whom it likes, and who sends is proven by the kernel, message by message. */
export function openToAll(name: string): void {
  if (!isAbstract(name)) chmodSync(name, 0o666);
}

/** Removes what sockets have left in their directory, where it was ever made. */
export function removeAllIn(directory: string): void {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return; // it was not
  }
  for (const name of names) removeNamed(join(directory, name));
}

/** What stays is a socket that nobody reads, which the next daemon removes. */
export function removeNamed(name: string): void {
  if (isAbstract(name)) return;
  try {
    unlinkSync(name);
  } catch {
    return;
  }
}
