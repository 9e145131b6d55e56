import { readFileSync } from "node:fs";
import { beforeLeaving, onResize, printBytes, terminalSize } from "./output.ts";
import { cutTo } from "./width.ts";

/*
 * A page that is drawn over and over on a terminal of its own, beside what was there. Source: ctlseqs of xterm (1049: the alternate screen; 25: the
 * cursor), which every terminal of today has.
 */

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const TO_LINE_END = "\u001b[K";
const TO_SCREEN_END = "\u001b[J";

const CTRL_C = "\u0003";
const CTRL_Z = "\u001a";

interface Screen {
  /** Draws the page anew. */
  draw: () => void;
  /** Puts the terminal back as it was. */
  close: () => void;
}

const write = (text: string): void => printBytes(Buffer.from(text));

/**
 * Opens a page on the terminal; it is drawn once a second, when the terminal has another size, and when somebody says so. Stopping with
 * Ctrl-Z and going on works; however the program ends (but for KILL), the terminal is put back. A job in the background stops until it has the
 * terminal, as any does that wants one, and a signal ends it there, too.
 *
 * @param lines the page; what has no room is left out, and the last line says so
 * @param quit called for q, Ctrl-C and INT
 */
export function openScreen(lines: () => readonly string[], quit: () => void): Screen {
  let open = false; // not while it is stopped: the terminal is the shell's, then
  const handlers = {
    SIGINT: quit,
    SIGTERM: () => dieOf("SIGTERM"),
    SIGHUP: () => dieOf("SIGHUP"),
  } as const;
  const draw = (): void => {
    if (open) write(page(lines()));
  };
  const enter = (): void => {
    if (!isForeground()) return waitForTerminal(enter);
    open = true;
    for (const [signal, handle] of Object.entries(handlers)) process.on(signal, handle);
    keys(true);
    write(ENTER);
    draw();
  };
  const leave = (): void => {
    if (!open) return;
    open = false;
    for (const [signal, handle] of Object.entries(handlers)) process.off(signal, handle);
    putBack();
  };
  const dieOf = (signal: NodeJS.Signals): void => {
    leave(); // with the handler: the next one of its kind ends us
    process.kill(process.pid, signal);
  };
  const suspend = (): void => {
    leave();
    process.once("SIGCONT", enter);
    process.kill(0, "SIGTSTP"); // as the terminal would
  };
  const forget = beforeLeaving(leave);
  const ticking = setInterval(draw, 1_000);
  onResize(draw);
  onKeys({ q: quit, [CTRL_C]: quit, [CTRL_Z]: suspend });
  enter();
  const close = (): void => {
    clearInterval(ticking);
    forget();
    leave();
  };
  return { draw, close };
}

function onKeys(keyed: Readonly<Record<string, () => void>>): void {
  process.stdin.on("data", (bytes: Buffer) => {
    for (const [key, act] of Object.entries(keyed)) if (bytes.includes(key)) return act();
    return undefined;
  });
}

/**
 * Whether the terminal is ours to change: who does so in the background is stopped in the middle of the call, and no handler of a signal runs any
 * more. Sources: tcsetattr(3); proc_pid_stat(5), fields 5 (pgrp) and 8 (tpgid). True where there is no /proc.
 */
function isForeground(): boolean {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return group === foreground;
  } catch {
    return true;
  }
}

/** Stops, as the kernel would stop us, until somebody lets us go on. */
function waitForTerminal(then: () => void): void {
  process.once("SIGCONT", then);
  process.kill(process.pid, "SIGTTOU");
}

function putBack(): void {
  if (!isForeground()) return;
  write(LEAVE);
  keys(false);
}

/** Keys as they are pressed, and not shown; where standard input is a terminal. */
function keys(on: boolean): void {
  if (!process.stdin.isTTY) return;
  process.stdin.setRawMode(on);
  if (on) process.stdin.resume();
  else process.stdin.pause();
}

function page(lines: readonly string[]): string {
  const { columns, rows } = terminalSize();
  const room = lines.length <= rows ? lines.length : rows - 1;
  const shown = lines.slice(0, room);
  if (room < lines.length) shown.push(cutTo(`… ${lines.length - room} more lines`, columns));
  return HOME + shown.map((line) => line + TO_LINE_END).join("\r\n") + TO_SCREEN_END;
}
