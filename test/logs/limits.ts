/** The product's own limits and modes. */
export const limits = { rotateBytes: 10_000_000, keep: 5, totalBytes: 1_000_000_000 };
export const modes = { fileMode: 0o644, dirMode: 0o755 };
