import type { Kind } from './files';

const LONGEST = 60;

/** Month, day and time as `1126-185521`. */
export function stamp(now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = two(now.getMonth() + 1) + two(now.getDate());
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}

/** A name that data sets may have (a letter, then letters, digits, `-`, `_`), close to the title and not used before. */
export function datasetName(title: string, kind: Kind, now: Date): string {
  const plain = title
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[^A-Za-z]+/, '')
    .replace(/[^A-Za-z0-9]+$/, '');
  const end = `-${stamp(now)}`;
  const begin = plain.length >= 2 ? plain : kind === 'image' ? 'my-pictures' : 'my-texts';
  return begin.slice(0, LONGEST - end.length) + end;
}

/** Tasks, models and services take any name of at most 60 characters. */
export function shortTitle(title: string): string {
  return [...title.trim()].slice(0, LONGEST - 10).join('');
}
