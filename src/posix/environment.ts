import { bind } from "./libc.ts";

const getenv = bind<(name: string) => unknown>("void *getenv(const char *name)");
const strlen = bind<(text: unknown) => number>("size_t strlen(const void *text)");
const memset = bind<(memory: unknown, byte: number, count: number) => unknown>(
  "void *memset(void *memory, int byte, size_t count)",
);

/**
 * Takes a variable out of this process's environment and overwrites its value where it lies.
 *
 * Removing alone would leave it in /proc/PID/environ, which shows the memory that the process began with to every other
 * process of the same user. Source: proc_pid_environ(5).
 */
export function forgetVariable(name: string): void {
  const value = getenv(name);
  if (value) memset(value, 0, strlen(value));
  delete process.env[name];
}
