import { unzipSync, Zip, ZipDeflate, ZipPassThrough } from 'fflate';

import type { Class, Found } from './files';

/** So many bytes are gathered before they are handed to the browser, which may keep them on disk. */
const GATHERED = 16 * 1024 * 1024;
const EARLIEST = Date.UTC(1980, 0, 2);

/**
 * One archive with a folder for each class. The same files give the same archive, so that a broken upload goes on.
 * Images are stored as they are, texts are made smaller.
 */
export async function pack(
  classes: Class[],
  { name, smaller, onProgress }: { name: string; smaller: boolean; onProgress: (done: number) => void },
): Promise<File> {
  const blobs: Blob[] = [];
  let parts: Uint8Array<ArrayBuffer>[] = [];
  let gathered = 0;
  const flush = () => {
    blobs.push(new Blob(parts));
    parts = [];
    gathered = 0;
  };
  let failed: Error | undefined;
  const zip = new Zip((error, chunk) => {
    if (error) failed = error;
    parts.push(chunk as Uint8Array<ArrayBuffer>);
    gathered += chunk.length;
    if (gathered >= GATHERED) flush();
  });

  let done = 0;
  let newest = EARLIEST;
  for (const { name: folder, samples } of classes) {
    for (const sample of samples) {
      const path = `${folder}/${sample.name}`;
      const entry = smaller ? new ZipDeflate(path, { level: 6 }) : new ZipPassThrough(path);
      const changed = Math.max((sample.file as File).lastModified || EARLIEST, EARLIEST);
      newest = Math.max(newest, changed);
      entry.mtime = changed;
      zip.add(entry);
      entry.push(new Uint8Array(await sample.file.arrayBuffer()), true);
      if (failed) throw failed;
      onProgress((done += 1));
    }
  }
  zip.end();
  flush();
  return new File(blobs, `${name}.zip`, { type: 'application/zip', lastModified: newest });
}

/** The files of an archive. Throws when it is not one. */
export async function unpack(archive: File): Promise<Found[]> {
  const entries = unzipSync(new Uint8Array(await archive.arrayBuffer()));
  return Object.entries(entries)
    .filter(([path]) => !path.endsWith('/'))
    .map(([path, content]) => ({
      path: decoded(path).replaceAll('\\', '/'),
      file: new File([content as Uint8Array<ArrayBuffer>], path, { lastModified: archive.lastModified }),
    }));
}

/** Archives from Chinese Windows hold their names in GB 18030, which come here as Latin-1. */
export function decoded(name: string): string {
  if (!/[\x80-\xff]/.test(name) || /[^\x00-\xff]/.test(name)) return name;
  const raw = Uint8Array.from(name, (letter) => letter.charCodeAt(0));
  for (const encoding of ['utf-8', 'gb18030']) {
    try {
      return new TextDecoder(encoding, { fatal: true }).decode(raw);
    } catch {
      continue;
    }
  }
  return name;
}
