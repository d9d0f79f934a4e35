/** So many lines are kept in the page; the whole log can be downloaded. */
export const KEPT = 5000;
const LONGEST_LINE = 4000;

// Colours and cursor movements of terminals.
const ESCAPES = /\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b\][^\u0007]*\u0007/g;

/** The last lines of a log that comes in pieces. */
export interface Lines {
  /** How many came before the first that is kept. */
  dropped: number;
  kept: string[];
  /** Whether the last line may go on. */
  open: boolean;
}

export const NO_LINES: Lines = { dropped: 0, kept: [], open: false };

export function append(lines: Lines, text: string, most = KEPT): Lines {
  if (!text) return lines;
  const begun = lines.open ? (lines.kept.at(-1) ?? '') : '';
  const parts = (begun + text).split('\n');
  const open = parts.at(-1) !== '';
  if (!open) parts.pop();
  const kept = lines.open ? lines.kept.slice(0, -1) : lines.kept.slice();
  // Only what stays is looked at: a log may be long.
  for (const part of parts.slice(-most)) kept.push(part.slice(-LONGEST_LINE));
  const skipped = Math.max(parts.length - most, 0);
  const over = Math.max(kept.length - most, 0);
  return { dropped: lines.dropped + skipped + over, kept: over ? kept.slice(over) : kept, open };
}

/** A line as a terminal shows it: without escapes, and what follows the last carriage return. */
export function clean(line: string): string {
  const plain = line.replace(ESCAPES, '').replace(/\r+$/, '');
  return plain.slice(plain.lastIndexOf('\r') + 1);
}

/** Positions of the kept lines that hold what is looked for, whatever its case. */
export function find(kept: string[], wanted: string): number[] {
  const needle = wanted.trim().toLowerCase();
  if (!needle) return [];
  return kept.flatMap((line, at) => (clean(line).toLowerCase().includes(needle) ? [at] : []));
}
