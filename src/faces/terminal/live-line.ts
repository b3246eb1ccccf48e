/** One line at the bottom of a terminal that is written over; other lines appear above it. Elsewhere there is none. */
export interface LiveLine {
  /** Replaces the live line, at most ten times a second. */
  readonly show: (text: string) => void;
  /** Writes a line that stays. */
  readonly print: (text: string) => void;
  /** Takes the live line away. */
  readonly clear: () => void;
}

const REDRAW_MS = 100;
/** Of a terminal that does not know its width. */
const ASSUMED_COLUMNS = 80;

export function liveLine(stream: NodeJS.WriteStream): LiveLine {
  const terminal = stream.isTTY;
  let shown = '';
  let drawn = Number.NEGATIVE_INFINITY;
  const erase = (): void => {
    if (shown !== '') stream.write('\r\u001b[K');
  };
  return {
    show(text) {
      const now = performance.now();
      if (!terminal || now - drawn < REDRAW_MS) return;
      drawn = now;
      erase();
      // A line that wraps could not be written over.
      shown = text.slice(0, Math.max(20, (stream.columns || ASSUMED_COLUMNS) - 1));
      stream.write(shown);
    },
    print(text) {
      erase();
      stream.write(`${text}\n${shown}`);
    },
    clear() {
      erase();
      shown = '';
      drawn = Number.NEGATIVE_INFINITY;
    },
  };
}
