import { Button, Descriptions, Form, Input } from 'antd';
import { useTranslation } from 'react-i18next';

import { percent } from '@/components/format';
import { defaultsOf } from '@/features/algorithms/schema';
import { useAlgorithmTitle } from '@/features/algorithms/title';
import { usePurposeText } from '@/features/datasets/purpose';

import { type Draft, schemaOfAlgorithm, splits } from './draft';

interface Props {
  draft: Draft;
  onChange: (draft: Draft) => void;
  onGo: (step: number) => void;
  /** Shown at the name. */
  nameError: string;
}

export function ReviewStep({ draft, onChange, onGo, nameError }: Props) {
  const { t } = useTranslation();
  const titleOf = useAlgorithmTitle();
  const purposeText = usePurposeText();
  const change = (step: number, about: string) => (
    <Button type="link" size="small" onClick={() => onGo(step)} aria-label={`${t('tasks.wizard.change')}: ${about}`}>
      {t('tasks.wizard.change')}
    </Button>
  );
  const rows: [string, string, number?][] = [
    [t('common.purpose'), purposeText(draft.algorithm?.purpose), 0],
    [t('tasks.algorithm'), draft.algorithm ? titleOf(draft.algorithm) : '', 1],
    [t('tasks.dataset'), draft.dataset?.name ?? '', 2],
    [t('tasks.wizard.share'), splits(draft.dataset) ? percent(draft.share, 0) : t('tasks.wizard.testSetOwn'), 2],
    [t('tasks.wizard.changedParameters'), changed(draft) || t('tasks.wizard.defaultsOnly'), 3],
    [
      t('tasks.page.settings.resources'),
      t('tasks.page.settings.resourcesText', {
        cpu: draft.cores,
        memory: `${draft.memoryGib} GiB`,
        gpu: draft.gpus,
      }),
      3,
    ],
    [t('tasks.wizard.timeLimit'), `${draft.hours} ${t('tasks.wizard.hours')}`, 3],
    [t('tasks.wizard.seed'), String(draft.seed), 3],
  ];
  return (
    <Form component={false} layout="vertical">
      <Form.Item
        label={t('tasks.wizard.name')}
        htmlFor="task-name"
        required
        validateStatus={nameError ? 'error' : ''}
        help={nameError || undefined}
      >
        <Input
          id="task-name"
          maxLength={60}
          showCount
          value={draft.name}
          onChange={(event) => onChange({ ...draft, name: event.target.value })}
          style={{ maxWidth: 480 }}
        />
      </Form.Item>
      <Form.Item label={t('tasks.wizard.note')} htmlFor="task-note">
        <Input.TextArea
          id="task-note"
          maxLength={2000}
          rows={3}
          placeholder={t('tasks.wizard.noteHint')}
          value={draft.note}
          onChange={(event) => onChange({ ...draft, note: event.target.value })}
          style={{ maxWidth: 720 }}
        />
      </Form.Item>
      <Descriptions
        bordered
        size="small"
        column={1}
        styles={{ label: { width: 180 }, content: { overflowWrap: 'anywhere' } }}
        items={rows.map(([label, text, step]) => ({
          key: label,
          label,
          children: (
            <div style={{ display: 'flex', justifyContent: 'space-between', gap: 12, width: '100%' }}>
              <span>{text}</span>
              {step !== undefined && change(step, label)}
            </div>
          ),
        }))}
      />
    </Form>
  );
}

/** `epochs = 20, batch_size = 32`: what differs from the defaults. */
function changed({ algorithm, parameters }: Draft): string {
  const defaults = defaultsOf(schemaOfAlgorithm(algorithm));
  return Object.entries(parameters.values)
    .filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(defaults[name]))
    .map(([name, value]) => `${name} = ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(', ');
}
