import { useVirtualizer } from '@tanstack/react-virtual';
import { theme } from 'antd';
import { useEffect, useMemo, useRef } from 'react';
import { useTranslation } from 'react-i18next';

import { clean } from './lines';

const LINE_PX = 20;
const NEAR_END_PX = 2 * LINE_PX;

interface Props {
  lines: string[];
  firstNumber: number;
  /** Marked wherever it stands. */
  wanted: string;
  /** Position of the line that the search stands at. */
  current: number | undefined;
  follow: boolean;
  onScrolledAway: () => void;
  onScrolledToEnd: () => void;
}

/** Lines of a log; only those in sight are drawn. */
export function LogView({ lines, firstNumber, wanted, current, follow, onScrolledAway, onScrolledToEnd }: Props) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const scrolled = useRef<HTMLDivElement>(null);
  /** Whether somebody scrolls, and not the search. */
  const byHand = useRef(false);
  const rows = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scrolled.current,
    estimateSize: () => LINE_PX,
    overscan: 20,
  });
  const widest = useMemo(() => lines.reduce((most, line) => Math.max(most, line.length), 0), [lines]);
  const digits = String(firstNumber + lines.length).length;

  useEffect(() => {
    if (follow && scrolled.current) scrolled.current.scrollTop = scrolled.current.scrollHeight;
  }, [follow, lines]);
  useEffect(() => {
    if (current === undefined) return;
    byHand.current = false;
    rows.scrollToIndex(current, { align: 'center' });
    // Only when the search moves: the log may grow meanwhile.
  }, [current, wanted]);

  const moved = () => {
    const element = scrolled.current;
    if (!element || !byHand.current) return;
    const left = element.scrollHeight - element.scrollTop - element.clientHeight;
    if (left < NEAR_END_PX) onScrolledToEnd();
  };
  const turned = (up: boolean) => {
    byHand.current = true;
    if (up && follow) onScrolledAway();
  };

  return (
    <div
      ref={scrolled}
      role="log"
      aria-live="off"
      aria-label={t('tasks.log.label')}
      tabIndex={0}
      onScroll={moved}
      onWheel={(event) => turned(event.deltaY < 0)}
      onKeyDown={(event) => turned(['ArrowUp', 'PageUp', 'Home'].includes(event.key))}
      onPointerDown={() => turned(true)}
      style={{
        height: `clamp(120px, ${lines.length * LINE_PX + 24}px, 60vh)`,
        overflow: 'auto',
        border: `1px solid ${token.colorBorderSecondary}`,
        borderRadius: token.borderRadius,
        background: token.colorFillQuaternary,
        fontFamily: token.fontFamilyCode,
        fontSize: 12,
        lineHeight: `${LINE_PX}px`,
      }}
    >
      <div style={{ height: rows.getTotalSize(), position: 'relative', minWidth: `${widest + digits + 4}ch` }}>
        {rows.getVirtualItems().map((row) => (
          <div
            key={row.key}
            style={{
              position: 'absolute',
              insetInline: 0,
              height: LINE_PX,
              transform: `translateY(${row.start}px)`,
              whiteSpace: 'pre',
              background: row.index === current ? token.colorWarningBg : undefined,
            }}
          >
            <span
              aria-hidden
              style={{
                display: 'inline-block',
                width: `${digits + 2}ch`,
                paddingInlineEnd: '1ch',
                textAlign: 'end',
                color: token.colorTextSecondary,
                userSelect: 'none',
              }}
            >
              {firstNumber + row.index}
            </span>
            <Marked text={clean(lines[row.index] ?? '')} wanted={wanted} />
          </div>
        ))}
      </div>
    </div>
  );
}

function Marked({ text, wanted }: { text: string; wanted: string }) {
  if (!wanted) return text;
  const parts: string[] = [];
  const lower = text.toLowerCase();
  const needle = wanted.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    parts.push(text.slice(from, at), text.slice(at, at + needle.length));
    from = at + needle.length;
  }
  parts.push(text.slice(from));
  return parts.map((part, at) => (at % 2 ? <mark key={at}>{part}</mark> : part));
}
