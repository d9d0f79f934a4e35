import type { Found } from './files';
import { unpack } from './zip';

/** What was handed over: files that can be looked at here, or an archive that only the server can read. */
export type Handed = { files: Found[] } | { archive: File };

const LOOKED_INTO = 300 * 1024 * 1024;

export function isArchive(name: string): boolean {
  return /\.(zip|tar|tar\.gz|tgz)$/i.test(name);
}

/** Of an input; folders come with the paths inside. */
export async function readChosen(files: Iterable<File>): Promise<Handed> {
  return handed([...files].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
}

/** Of a drop: folders are walked through. To be called in the event itself, as the items are gone afterwards. */
export function readDropped(data: DataTransfer): Promise<Handed> {
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  return Promise.all(entries.map(walk)).then((found) => handed(found.flat()));
}

async function handed(found: Found[]): Promise<Handed> {
  const only = found.length === 1 ? found[0] : undefined;
  if (!only || !isArchive(only.path)) return { files: found };
  const archive = only.file as File;
  const looked = /\.zip$/i.test(only.path) && archive.size <= LOOKED_INTO;
  return looked ? { files: await unpack(archive) } : { archive };
}

async function walk(entry: FileSystemEntry): Promise<Found[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path: entry.fullPath.replace(/^\//, ''), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Found[] = [];
  // A reader gives a part at a time, and an empty one at the end.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (part.length === 0) return found;
    found.push(...(await Promise.all(part.map(walk))).flat());
  }
}
