import { Flex, theme, Typography } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';

import { type Class, type Kind, type Sample, total } from './files';

const CLASSES_SHOWN = 12;
const SAMPLES_SHOWN = 4;
const TEXT_SHOWN = 60;

/** The classes that were found, with their counts and some samples. */
export function Preview({ classes, kind }: { classes: Class[]; kind: Kind }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  return (
    <section aria-label={t('guide.found', { classes: classes.length, samples: total(classes) })}>
      <Typography.Title level={3} style={{ fontSize: 16, marginBlock: '16px 8px' }}>
        {t('guide.found', { classes: classes.length, samples: total(classes) })}
      </Typography.Title>
      <div style={{ display: 'grid', gap: 12, gridTemplateColumns: 'repeat(auto-fill, minmax(230px, 1fr))' }}>
        {classes.slice(0, CLASSES_SHOWN).map(({ name, samples }) => (
          <div
            key={name}
            style={{ padding: 12, border: `1px solid ${token.colorBorderSecondary}`, borderRadius: token.borderRadius }}
          >
            <Flex justify="space-between" gap={8}>
              <Typography.Text strong ellipsis title={name}>
                {name}
              </Typography.Text>
              <Typography.Text type="secondary" className="numbers" style={{ whiteSpace: 'nowrap' }}>
                {t('guide.samplesOf', { count: samples.length })}
              </Typography.Text>
            </Flex>
            <Flex gap={6} style={{ marginBlockStart: 8 }} vertical={kind === 'text'}>
              {samples.slice(0, kind === 'image' ? SAMPLES_SHOWN : 2).map((sample) => (
                <Small key={sample.name} sample={sample} kind={kind} alt={t('guide.preview', { name })} />
              ))}
            </Flex>
          </div>
        ))}
      </div>
      {classes.length > CLASSES_SHOWN && (
        <Typography.Paragraph type="secondary" style={{ marginBlock: '8px 0' }}>
          {t('guide.moreClasses', { count: classes.length - CLASSES_SHOWN })}
        </Typography.Paragraph>
      )}
    </section>
  );
}

function Small({ sample, kind, alt }: { sample: Sample; kind: Kind; alt: string }) {
  const { token } = theme.useToken();
  const [shown, setShown] = useState('');
  useEffect(() => {
    if (kind === 'text') {
      let current = true;
      const show = (text: string) => current && setShown(text.slice(0, TEXT_SHOWN));
      sample.file.slice(0, TEXT_SHOWN * 4).text().then(show, () => show(sample.name));
      return () => {
        current = false;
      };
    }
    const url = URL.createObjectURL(sample.file);
    setShown(url);
    return () => URL.revokeObjectURL(url);
  }, [sample, kind]);
  if (kind === 'text') {
    return (
      <Typography.Text type="secondary" ellipsis style={{ fontSize: 13 }}>
        {shown}
      </Typography.Text>
    );
  }
  return shown ? (
    <img
      src={shown}
      alt={alt}
      width={46}
      height={46}
      style={{ objectFit: 'cover', borderRadius: 4, background: token.colorFillTertiary }}
    />
  ) : null;
}
