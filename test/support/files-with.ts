import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Files below a directory that hold a text, byte for byte. What a daemon removes meanwhile, and what cannot be read as a file, holds none. */
export const filesWith = (text: string, directory: string): string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((path) => {
      try {
        return readFileSync(path).includes(text);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
        throw error;
      }
    });
