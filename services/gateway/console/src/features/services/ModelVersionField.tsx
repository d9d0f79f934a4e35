import { Flex, Select } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

import { useModels, useVersions } from '@/features/models/api';

interface Props {
  id?: string;
  value?: string;
  onChange?: (versionId: string | undefined) => void;
  onModel: (name: string) => void;
}

/** A model and one of its versions, the newest at first; a form's field that holds the version's id. */
export function ModelVersionField({ id, value, onChange, onModel }: Props) {
  const { t } = useTranslation();
  const models = useModels();
  const [modelId, setModelId] = useState<string>();
  const choose = (chosen: string) => {
    const model = models.items.find((one) => one.id === chosen);
    setModelId(chosen);
    onChange?.(model?.latest_version_id);
    onModel(model?.name ?? '');
  };
  return (
    <Flex gap={8}>
      <Select
        id={id}
        aria-label={t('services.model')}
        placeholder={t('services.chooseModel')}
        style={{ flex: 1, minWidth: 0 }}
        loading={models.isPending}
        showSearch={{ optionFilterProp: 'label' }}
        value={modelId}
        onChange={choose}
        options={models.items.map((model) => ({ value: model.id, label: model.name }))}
        onPopupScroll={() => {
          if (models.hasNextPage && !models.isFetchingNextPage) void models.fetchNextPage();
        }}
      />
      {modelId && <VersionSelect key={modelId} modelId={modelId} value={value} onChange={onChange} />}
    </Flex>
  );
}

interface VersionProps {
  modelId: string;
  value: string | undefined;
  onChange: Props['onChange'];
}

function VersionSelect({ modelId, value, onChange }: VersionProps) {
  const { t } = useTranslation();
  const versions = useVersions(modelId);
  return (
    <Select
      aria-label={t('common.version')}
      style={{ width: 120 }}
      loading={versions.isPending}
      value={versions.isPending ? undefined : value}
      onChange={onChange}
      options={versions.items.map((version) => ({ value: version.id, label: version.number }))}
    />
  );
}
