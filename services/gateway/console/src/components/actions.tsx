import { useMutation, useQueryClient } from '@tanstack/react-query';
import { App } from 'antd';
import { useTranslation } from 'react-i18next';

import { useTellError } from './errors';

/** A command on one resource: reads again what it may have changed, and tells of an error. */
export function useCommand<Input = void, Output = unknown>(
  run: (input: Input) => Promise<Output>,
  { changes, onDone }: { changes: string[]; onDone?: (output: Output, input: Input) => void },
) {
  const queries = useQueryClient();
  const tell = useTellError();
  return useMutation({
    mutationFn: run,
    onSuccess: (output, input) => {
      for (const key of changes) void queries.invalidateQueries({ queryKey: [key] });
      onDone?.(output, input);
    },
    onError: tell,
  });
}

/** Asks before something is gone for good. */
export function useConfirmDelete(): (name: string, run: () => Promise<unknown>) => void {
  const { modal } = App.useApp();
  const { t } = useTranslation();
  return (name, run) => {
    modal.confirm({
      title: t('common.delete'),
      content: t('common.deleteAsk', { name }),
      okText: t('common.delete'),
      okButtonProps: { danger: true },
      cancelText: t('common.cancel'),
      // The error is told by the command itself; the question closes either way.
      onOk: () => run().catch(() => undefined),
    });
  };
}
