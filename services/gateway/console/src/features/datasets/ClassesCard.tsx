import { useVirtualizer } from '@tanstack/react-virtual';
import { Card, Flex, Segmented, theme } from 'antd';
import { useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';

import type { Dataset } from '@/api/types';
import { count } from '@/components/format';

import './datasets.css';

type ClassCount = NonNullable<Dataset['version']>['classes'][number];

const ROW = 30;
const HIGHEST = 430;
const WIDEST_NAME = 200;

interface Props {
  classes: ClassCount[];
  independent: boolean;
  /** Name of the class that the samples are filtered by. */
  chosen: string;
  onChoose: (name: string) => void;
}

/** Samples of each class as bars. Only rows in sight are drawn: there may be thousands. */
export function ClassesCard({ classes, independent, chosen, onChoose }: Props) {
  const { t } = useTranslation();
  const [order, setOrder] = useState<'name' | 'size'>('name');
  const frame = useRef<HTMLDivElement>(null);
  const sorted = useMemo(
    () => (order === 'name' ? classes : [...classes].sort((one, other) => sizeOf(other) - sizeOf(one))),
    [classes, order],
  );
  const most = useMemo(
    () => classes.reduce((top, one) => Math.max(top, Number(one.train), Number(one.test)), 1),
    [classes],
  );
  const nameWidth = useMemo(
    () => Math.min(classes.reduce((widest, one) => Math.max(widest, widthOf(one)), 0), WIDEST_NAME),
    [classes],
  );
  const rows = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => frame.current,
    estimateSize: () => (independent ? ROW + 12 : ROW),
    overscan: 10,
  });
  return (
    <Card
      title={`${t('datasets.distribution.title')} (${count(classes.length)})`}
      extra={
        <Segmented
          aria-label={t('datasets.distribution.sort')}
          size="small"
          value={order}
          onChange={setOrder}
          options={[
            { value: 'name', label: t('datasets.distribution.byName') },
            { value: 'size', label: t('datasets.distribution.bySize') },
          ]}
        />
      }
    >
      {independent && <Legend />}
      <div ref={frame} style={{ maxHeight: HIGHEST, overflow: 'auto' }}>
        <div
          role="list"
          aria-label={t('datasets.distribution.title')}
          style={{ height: rows.getTotalSize(), position: 'relative' }}
        >
          {rows.getVirtualItems().map(({ index, start, size }) => {
            const one = sorted[index];
            return (
              one && (
                <div
                  key={one.name}
                  role="listitem"
                  aria-setsize={sorted.length}
                  aria-posinset={index + 1}
                  style={{
                    position: 'absolute',
                    insetInline: 0,
                    top: 0,
                    height: size,
                    transform: `translateY(${start}px)`,
                  }}
                >
                  <ClassRow
                    one={one}
                    most={most}
                    independent={independent}
                    nameWidth={nameWidth}
                    chosen={one.name === chosen}
                    onChoose={() => onChoose(one.name === chosen ? '' : one.name)}
                  />
                </div>
              )
            );
          })}
        </div>
      </div>
    </Card>
  );
}

function sizeOf(one: ClassCount): number {
  return Number(one.train) + Number(one.test);
}

/** About as many pixels as a name takes; Chinese characters are twice as wide. */
function widthOf({ name }: ClassCount): number {
  return [...name].reduce((width, sign) => width + (sign > '\u2e80' ? 15 : 9), 0);
}

/** The train bar is full and the test bar hatched, so that colour is not needed to tell them. */
function useFills(): Record<'train' | 'test', string> {
  const { token } = theme.useToken();
  return {
    train: token.colorPrimary,
    test: `repeating-linear-gradient(135deg, ${token.colorPrimary} 0 3px, ${token.colorPrimaryBorder} 3px 6px)`,
  };
}

function Legend() {
  const { t } = useTranslation();
  const fills = useFills();
  return (
    <Flex gap={16} style={{ marginBlockEnd: 8 }}>
      {(['train', 'test'] as const).map((split) => (
        <Flex key={split} gap={6} align="center">
          <span aria-hidden style={{ width: 16, height: 10, background: fills[split], borderRadius: 2 }} />
          {t(`datasets.distribution.${split}`)}
        </Flex>
      ))}
    </Flex>
  );
}

interface RowProps {
  one: ClassCount;
  most: number;
  independent: boolean;
  nameWidth: number;
  chosen: boolean;
  onChoose: () => void;
}

function ClassRow({ one: { name, train, test }, most, independent, nameWidth, chosen, onChoose }: RowProps) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const fills = useFills();
  const [first, second] = [count(train), count(test)];
  const label = independent
    ? t('datasets.distribution.rowBoth', { name, train: first, test: second })
    : t('datasets.distribution.row', { name, samples: first });
  const bars: ['train' | 'test', string, string][] = [['train', train, first]];
  if (independent) bars.push(['test', test, second]);
  return (
    <button
      type="button"
      aria-label={label}
      aria-pressed={chosen}
      title={t('datasets.distribution.filter', { name })}
      onClick={onChoose}
      className="class-row"
      style={{
        gridTemplateColumns: `${nameWidth}px minmax(0, 1fr)`,
        borderRadius: token.borderRadius,
        ...(chosen && { background: token.controlItemBgActive, fontWeight: 600 }),
      }}
    >
      <span style={{ overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' }}>{name}</span>
      <span>
        {bars.map(([split, samples, shown]) => (
          <Flex key={split} align="center" gap={8} style={{ lineHeight: independent ? '17px' : 'inherit' }}>
            <span style={{ flex: 1, minWidth: 0 }}>
              <span
                style={{
                  display: 'block',
                  height: independent ? 10 : 14,
                  minWidth: Number(samples) ? 2 : 0,
                  width: `${(Number(samples) / most) * 100}%`,
                  background: fills[split],
                  borderRadius: 2,
                }}
              />
            </span>
            <span className="numbers" style={{ minWidth: 56, textAlign: 'end' }}>
              {shown}
            </span>
          </Flex>
        ))}
      </span>
    </button>
  );
}
