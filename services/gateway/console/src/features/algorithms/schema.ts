import i18next from 'i18next';

/** The part of JSON Schema that the algorithm contract allows for parameters. */
export interface JsonSchema {
  type?: 'object' | 'integer' | 'number' | 'string' | 'boolean' | 'array';
  title?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  properties?: Record<string, JsonSchema>;
  required?: string[];
}

export type Values = Record<string, unknown>;

/** The schema in an algorithm's `training.parameters_schema`; an algorithm without one has no parameters. */
export function schemaOf(text: string | undefined): JsonSchema {
  return text ? (JSON.parse(text) as JsonSchema) : {};
}

/** The values with which the server would fill up an empty form. */
export function defaultsOf(schema: JsonSchema): Values {
  const values: Values = {};
  for (const [name, rule] of Object.entries(schema.properties ?? {})) {
    if (rule.type === 'object') values[name] = defaultsOf(rule);
    else if (rule.default !== undefined) values[name] = rule.default;
  }
  return values;
}

/** What is wrong with the values, in the user's language, by the parameter's name (`outer.inner` inside objects). */
export function problemsOf(schema: JsonSchema, value: Values, path = ''): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const [name, rule] of Object.entries(schema.properties ?? {})) {
    const given = value[name];
    if (rule.type === 'object') {
      Object.assign(problems, problemsOf(rule, (given ?? {}) as Values, `${path}${name}.`));
    } else if (given === undefined) {
      if (rule.default === undefined && schema.required?.includes(name)) {
        problems[path + name] = i18next.t('algorithms.parameters.missing');
      }
    } else {
      const problem = problemOf(rule, given);
      if (problem) problems[path + name] = problem;
    }
  }
  return problems;
}

function problemOf(rule: JsonSchema, value: unknown): string {
  const { t } = i18next;
  if (rule.enum && !rule.enum.includes(value)) {
    return t('algorithms.parameters.oneOf', { choices: rule.enum.map(String).join(', ') });
  }
  switch (rule.type) {
    case 'integer':
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) return t('algorithms.parameters.number');
      if (rule.type === 'integer' && !Number.isInteger(value)) return t('algorithms.parameters.integer');
      return inRange(rule, value) ? '' : t('algorithms.parameters.outside', { range: rangeOf(rule) });
    case 'string':
      if (typeof value !== 'string') return t('algorithms.parameters.text');
      if (!inLength(value.length, rule.minLength, rule.maxLength)) {
        return t('algorithms.parameters.length', { range: lengthOf(rule.minLength, rule.maxLength) });
      }
      return matches(rule.pattern, value) ? '' : t('algorithms.parameters.pattern', { pattern: rule.pattern });
    case 'array':
      if (!Array.isArray(value)) return t('algorithms.parameters.list');
      if (!inLength(value.length, rule.minItems, rule.maxItems)) {
        return t('algorithms.parameters.items', { range: lengthOf(rule.minItems, rule.maxItems) });
      }
      return value.map((item) => problemOf(rule.items ?? {}, item)).find(Boolean) ?? '';
    default:
      return '';
  }
}

function inRange(rule: JsonSchema, value: number): boolean {
  return (
    value >= (rule.minimum ?? -Infinity) &&
    value <= (rule.maximum ?? Infinity) &&
    value > (rule.exclusiveMinimum ?? -Infinity) &&
    value < (rule.exclusiveMaximum ?? Infinity)
  );
}

function inLength(length: number, least = 0, most = Infinity): boolean {
  return length >= least && length <= most;
}

/** The server has the last word on patterns that this browser cannot read. */
function matches(pattern: string | undefined, value: string): boolean {
  try {
    return pattern === undefined || new RegExp(pattern, 'u').test(value);
  } catch {
    return true;
  }
}

/** `≥ 1, ≤ 100`; empty without bounds. */
export function rangeOf(rule: JsonSchema): string {
  const bounds: [string, number | undefined][] = [
    ['≥', rule.minimum],
    ['>', rule.exclusiveMinimum],
    ['≤', rule.maximum],
    ['<', rule.exclusiveMaximum],
  ];
  return bounds.flatMap(([sign, bound]) => (bound === undefined ? [] : [`${sign} ${bound}`])).join(', ');
}

function lengthOf(least?: number, most?: number): string {
  return rangeOf({ minimum: least, maximum: most });
}
