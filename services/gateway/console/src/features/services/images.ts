/** An image to send: its file in base64, as a data address for the preview. */
export interface ChosenImage {
  name: string;
  url: string;
}

export function base64Of({ url }: ChosenImage): string {
  return url.slice(url.indexOf(',') + 1);
}

const SIGNATURES: [string, string][] = [
  ['iVBOR', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
  ['Qk', 'image/bmp'],
];

/** The image that an interface gives to try, in base64. */
export function sampleImage(name: string, base64: string): ChosenImage | undefined {
  if (!base64) return undefined;
  const type = SIGNATURES.find(([start]) => base64.startsWith(start))?.[1] ?? 'image/png';
  return { name, url: `data:${type};base64,${base64}` };
}

export function readImage(file: File): Promise<ChosenImage> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve({ name: file.name, url: String(reader.result) });
    reader.onerror = () => reject(reader.error ?? new Error(file.name));
    reader.readAsDataURL(file);
  });
}
