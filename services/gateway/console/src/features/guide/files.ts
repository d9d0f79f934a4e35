export type Kind = 'image' | 'text';

/** A file and where it lies: `photos/cats/1.png`. */
export interface Found {
  path: string;
  file: Blob;
}

export interface Sample {
  name: string;
  file: Blob;
}

export interface Class {
  name: string;
  samples: Sample[];
}

export interface Sorted {
  classes: Class[];
  /** Files that are of no use, and why. */
  wrongType: number;
  outside: number;
  empty: number;
}

export interface Finding {
  code: 'noClass' | 'oneClass' | 'tooLarge' | 'oneFile' | 'few' | 'wrongType' | 'outside' | 'empty';
  /** Nothing can be learnt before this is mended. */
  blocking: boolean;
  values: { count?: number; names?: string };
}

export const SUFFIXES: Record<Kind, string[]> = {
  image: ['.png', '.jpg', '.jpeg', '.bmp', '.gif', '.webp', '.tif', '.tiff'],
  text: ['.txt'],
};

/** Fewer samples in a class than this are hardly enough to learn from. */
const FEW = 5;
/** What fits in a zip archive without its 64-bit form. */
const MOST_FILES = 65_000;
const MOST_BYTES = 3.9e9;
const NAMES_SHOWN = 5;

const LITTER = /(^|\/)(__MACOSX|\.[^/]*|Thumbs\.db|desktop\.ini)(\/|$)/;

/** Files by class: the folder that a file lies in is its class. */
export function sortFiles(found: Found[], kind: Kind): Sorted {
  const files = found.filter(({ path }) => !LITTER.test(path));
  const top = singleTop(files.map(({ path }) => path));
  const classes = new Map<string, Map<string, Blob>>();
  const sorted: Sorted = { classes: [], wrongType: 0, outside: 0, empty: 0 };

  for (const { path, file } of files) {
    const parts = path.slice(top.length).split('/');
    const name = parts.pop() ?? '';
    const className = parts[parts.length - 1];
    if (!SUFFIXES[kind].some((suffix) => name.toLowerCase().endsWith(suffix))) sorted.wrongType += 1;
    else if (className === undefined) sorted.outside += 1;
    else if (file.size === 0) sorted.empty += 1;
    else {
      const samples = classes.get(className) ?? new Map<string, Blob>();
      // The same name in two folders of one class, for example in `train/cats` and `test/cats`.
      samples.set(samples.has(name) ? [...parts, name].join('_') : name, file);
      classes.set(className, samples);
    }
  }
  sorted.classes = [...classes]
    .map(([name, samples]) => ({ name, samples: [...samples].map(([key, file]) => ({ name: key, file })) }))
    .sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  return sorted;
}

/** `top/` when all files are in one folder that has folders itself. */
function singleTop(paths: string[]): string {
  const tops = new Set(paths.map((path) => path.split('/')[0]));
  const deep = paths.some((path) => path.split('/').length > 2);
  return tops.size === 1 && deep ? `${[...tops][0]}/` : '';
}

export function total(classes: Class[]): number {
  return classes.reduce((sum, { samples }) => sum + samples.length, 0);
}

/** What is missing or left out, the worst first. */
export function findings({ classes, wrongType, outside, empty }: Sorted): Finding[] {
  const found: Finding[] = [];
  const size = classes.reduce((sum, one) => sum + one.samples.reduce((inner, { file }) => inner + file.size, 0), 0);
  const note = (code: Finding['code'], blocking: boolean, values: Finding['values'] = {}) =>
    found.push({ code, blocking, values });

  if (classes.length === 0) note('noClass', true);
  if (classes.length === 1) note('oneClass', true, { names: classes[0]?.name });
  if (total(classes) > MOST_FILES || size > MOST_BYTES) note('tooLarge', true);
  const single = classes.filter(({ samples }) => samples.length < 2);
  if (classes.length > 1 && single.length) note('oneFile', true, { names: named(single) });
  const few = classes.filter(({ samples }) => samples.length >= 2 && samples.length < FEW);
  if (few.length) note('few', false, { count: FEW, names: named(few) });
  if (wrongType) note('wrongType', false, { count: wrongType });
  if (outside) note('outside', false, { count: outside });
  if (empty) note('empty', false, { count: empty });
  return found;
}

function named(classes: Class[]): string {
  const names = classes.slice(0, NAMES_SHOWN).map(({ name }) => name);
  return names.join('、') + (classes.length > NAMES_SHOWN ? ' …' : '');
}

/** The classes without these files, given as `class/file`. */
export function without(classes: Class[], paths: string[]): Class[] {
  const refused = new Set(paths);
  return classes
    .map(({ name, samples }) => ({ name, samples: samples.filter((one) => !refused.has(`${name}/${one.name}`)) }))
    .filter(({ samples }) => samples.length > 0);
}
