import { Alert, Flex } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Finding, Kind } from './files';

/** What is missing or left out, in plain words. */
export function Findings({ findings, kind }: { findings: Finding[]; kind: Kind }) {
  const { t } = useTranslation();
  const text = ({ code, values }: Finding) =>
    code === 'noClass' || code === 'wrongType'
      ? t(`guide.findings.${code}.${kind}`, values)
      : t(`guide.findings.${code}`, values);
  return (
    <Flex vertical gap={8} role="status">
      {findings.map((finding) => (
        <Alert key={finding.code} type={finding.blocking ? 'error' : 'warning'} showIcon title={text(finding)} />
      ))}
    </Flex>
  );
}
