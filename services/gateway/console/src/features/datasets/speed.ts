const WINDOW_MS = 8000;

/** Speed over the last seconds, so that neither a short stop nor the part sent before a resumption misleads. */
export class Speed {
  private marks: { at: number; sent: number }[] = [];

  constructor(private readonly now: () => number = () => performance.now()) {}

  note(sent: number): void {
    const at = this.now();
    this.marks.push({ at, sent });
    while (this.marks.length > 2 && at - (this.marks[0]?.at ?? at) > WINDOW_MS) this.marks.shift();
  }

  /** After a break the seconds before it do not count. */
  restart(): void {
    this.marks = [];
  }

  /** Bytes a second; 0 while it cannot be told. */
  get perSecond(): number {
    const first = this.marks[0];
    const last = this.marks.at(-1);
    if (!first || !last || last.at - first.at < 500) return 0;
    return Math.max(((last.sent - first.sent) * 1000) / (last.at - first.at), 0);
  }
}
