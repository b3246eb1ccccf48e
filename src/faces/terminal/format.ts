/** Sizes, times and foreign text as people read them. Pure. */

/** `512 B`, `1.5 KB`, `2.1 GB`: powers of 1,024, as disks and Docker show them. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return unit === 0 ? `${value} B` : `${value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** `0.4 s`, `12.0 s`, `3 min 05 s`, `2 h 10 min`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

export function formatCount(count: number, one: string): string {
  return `${count.toLocaleString('en-US')} ${one}${count === 1 ? '' : 's'}`;
}

/**
 * A line of a container for the terminal: of a progress bar its last state; control characters would move the cursor or
 * worse and are taken out, but for TAB and, where colours are wanted, colours, which end with the line.
 */
export function safeLine(line: string, colors: boolean): string {
  const last = line.replace(/\r+$/, '').split('\r').at(-1) ?? '';
  const safe = last.replace(ESCAPES, found => (colors && COLOR.test(found) ? found : ''));
  const ends = !safe.includes('\u001b') || /\u001b\[0?m[^\u001b]*$/.test(safe);
  return ends ? safe : `${safe}\u001b[0m`;
}

/** Our own words, in which there may be those of a container, a store or a request: one line without control characters. */
export function safeText(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(ESCAPES, '');
}

const ESCAPES =
  /\u001b\[([0-9;]*)([A-Za-z])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;
const COLOR = /^\u001b\[[0-9;]*m$/;
