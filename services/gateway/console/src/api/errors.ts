interface Detail {
  '@type'?: string;
  reason?: string;
  metadata?: Record<string, string>;
  field_violations?: FieldProblem[];
}

export interface FieldProblem {
  field: string;
  description: string;
}

interface Body {
  error?: { message?: string; details?: Detail[] };
}

/** What went wrong: `reason` is stable and can be translated, `message` is in English and names what was expected. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: number,
    readonly reason: string,
    readonly metadata: Record<string, string> = {},
    readonly fields: FieldProblem[] = [],
    readonly requestId = '',
  ) {
    super(message);
  }

  static async of(response: Response): Promise<ApiError> {
    const body = (await response.json().catch(() => ({}))) as Body;
    const details = body.error?.details ?? [];
    return new ApiError(
      body.error?.message || response.statusText || `HTTP ${response.status}`,
      response.status,
      details.find((detail) => detail.reason)?.reason ?? '',
      details.find((detail) => detail.metadata)?.metadata ?? {},
      details.flatMap((detail) => detail.field_violations ?? []),
      response.headers.get('x-request-id') ?? '',
    );
  }

  static unreachable(): ApiError {
    return new ApiError('The server does not answer.', 0, 'UNREACHABLE');
  }

  /** Whether the same request may work in a moment. */
  get passing(): boolean {
    return this.code === 0 || this.code === 429 || this.code >= 502;
  }
}
