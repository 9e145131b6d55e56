/** One line a service wrote, as it went into its log. */
export interface LogLine {
  stream: "stdout" | "stderr";
  /** Milliseconds of the wall clock. */
  time: number;
  /** Without its newline. */
  text: string;
}

/** Text that is waited for in the lines of one incarnation. */
export interface Awaited {
  text: string;
  /** Called once, when a line of its output that holds the text went into its log. */
  seen: () => void;
}

/** The files and pipes of services' output, all in one worker thread. Knows services by name only. */
export interface ServiceLogs {
  /**
   * Makes the two FIFOs of an incarnation and begins to read them.
   * @param awaited searched for from its first line on
   * @returns their paths, and the position in the log (segments.ts) where this incarnation's lines begin
   * @throws AppError `log_directory_unusable`
   */
  open(
    service: string,
    incarnation: string,
    awaited?: Awaited,
  ): Promise<{ stdout: string; stderr: string; offset: number }>;
  /** The same for an incarnation that an earlier daemon opened: reads on from FIFOs that are there (none: does nothing) and writes a gap record first. */
  reopen(service: string, incarnation: string): Promise<void>;
  /**
   * The incarnation's process ended: reads on until both pipes are at their end, at most `drainMs`, then closes them; they are removed shortly after.
   * @returns the position where its lines end, how many there were, and bytes of them that could not be written
   */
  finish(
    incarnation: string,
    drainMs: number,
  ): Promise<{ offset: number; lines: number; droppedBytes: number }>;
  /** Appends one line of our own, tagged `[stderr]`: such as "executable file … not found". */
  note(service: string, text: string): Promise<void>;
  /** Lines as they come, with their incarnation ("" for notes), until the returned function is called. A listener that is too slow gets a line that says how many it missed. */
  follow(service: string, listener: (incarnation: string, line: LogLine) => void): () => void;
  /** Path of a service's file. */
  fileOf(service: string): string;
  /** Writes what is held and ends the thread. */
  close(): Promise<void>;
}
