import { Tooltip, Typography } from 'antd';
import { useTranslation } from 'react-i18next';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** Bytes with a binary unit, three digits. */
export function bytes(count: number | string | undefined): string {
  let value = Number(count ?? 0);
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toPrecision(3)} ${UNITS[unit]}`;
}

/** 64-bit numbers come as text. */
export function count(value: number | string | undefined): string {
  return Number(value ?? 0).toLocaleString('en-US');
}

export function percent(value: number | undefined, digits = 1): string {
  return value === undefined ? '–' : `${(value * 100).toFixed(digits)} %`;
}

/** `1:02:03`, or `2:03` below an hour. */
export function duration(seconds: number): string {
  const whole = Math.max(Math.round(seconds), 0);
  const parts = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, at) => (at ? String(part).padStart(2, '0') : String(part))).join(':');
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
];

/** A moment as “3 minutes ago”, with the exact time on hover. */
export function When({ at }: { at: string | undefined }) {
  const { i18n } = useTranslation();
  if (!at) return <span>–</span>;
  const moment = new Date(at);
  const seconds = (moment.getTime() - Date.now()) / 1000;
  const [unit, length] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1];
  const locale = i18n.language === 'en' ? 'en' : 'zh-CN';
  const words =
    Math.abs(seconds) > 30 * 86_400
      ? moment.toLocaleDateString(locale)
      : new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(Math.round(seconds / length), unit);
  return (
    <Tooltip title={moment.toLocaleString(locale)}>
      <time dateTime={at} style={{ whiteSpace: 'nowrap' }}>
        {words}
      </time>
    </Tooltip>
  );
}

/** An identifier that can be copied. */
export function Id({ value }: { value: string }) {
  const { t } = useTranslation();
  return (
    <Typography.Text
      code
      copyable={{ text: value, tooltips: [t('common.copy'), t('common.copied')] }}
      style={{ overflowWrap: 'anywhere' }}
    >
      {value}
    </Typography.Text>
  );
}
