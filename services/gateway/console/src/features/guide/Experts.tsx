import { Flex, Typography } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

interface Props {
  dataset: string;
  task: string;
  model: string;
  service: string;
}

/** Links to all that was made on the way. */
export function Experts({ dataset, task, model, service }: Props) {
  const { t } = useTranslation();
  const links = [
    { text: t('guide.expertDataset'), to: dataset && `/datasets/${dataset}` },
    { text: t('guide.expertTask'), to: task && `/tasks/${task}` },
    { text: t('guide.expertModel'), to: model && `/models/${model}` },
    { text: t('guide.expertService'), to: service && `/services/${service}` },
  ].filter(({ to }) => to);
  if (links.length === 0) return null;
  return (
    <Flex gap={16} wrap style={{ marginBlockStart: 20 }}>
      <Typography.Text type="secondary">{t('guide.experts')}</Typography.Text>
      {links.map(({ text, to }) => (
        <Link key={text} to={to}>
          {text}
        </Link>
      ))}
    </Flex>
  );
}
