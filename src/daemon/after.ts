/** Calls back once, so many milliseconds later. @returns the way to call it off */
export const after = (ms: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
};
