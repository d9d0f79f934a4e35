import { Alert, Card, Flex, Typography } from 'antd';
import i18next from 'i18next';
import { useTranslation } from 'react-i18next';

import type { Dataset, Problem } from '@/api/types';
import { count } from '@/components/format';
import { Table } from '@/components/Table';

/** Why the last import failed: what to mend, and where. */
export function ProblemsCard({ dataset }: { dataset: Dataset }) {
  const { t } = useTranslation();
  const { problems, problem_count, version } = dataset;
  const all = problem_count <= problems.length;
  return (
    <Card styles={{ body: { padding: 12 } }}>
      <Flex vertical gap={12}>
        <Alert
          type="error"
          showIcon
          role="alert"
          title={t('datasets.problems.title', { total: count(problem_count) })}
          description={
            <>
              {all ? t('datasets.problems.all') : t('datasets.problems.shown', { shown: problems.length })}
              {version && ` ${t('datasets.problems.kept', { version: version.number })}`}
            </>
          }
        />
        <Table<Problem>
          aria-label={t('datasets.problems.title', { total: count(problem_count) })}
          size="small"
          rowKey={(problem) => `${problem.file}:${problem.line}:${problem.reason}:${problem.message}`}
          dataSource={problems}
          pagination={false}
          scroll={{ x: 800, y: 320 }}
          columns={[
            {
              title: t('datasets.problems.file'),
              width: 260,
              render: (_, { file }) => (
                <span style={{ overflowWrap: 'anywhere' }}>{file || t('datasets.problems.whole')}</span>
              ),
            },
            {
              title: t('datasets.problems.line'),
              width: 64,
              align: 'right',
              render: (_, { line }) => <span className="numbers">{line || '–'}</span>,
            },
            { title: t('datasets.problems.message'), render: (_, problem) => <What problem={problem} /> },
            {
              title: t('datasets.problems.expected'),
              width: 260,
              render: (_, problem) => <Expected problem={problem} />,
            },
          ]}
        />
      </Flex>
    </Card>
  );
}

/** The kind of problem in the user's language, where it is known, and the server's words with the particulars. */
function What({ problem: { reason, message } }: { problem: Problem }) {
  const { t } = useTranslation();
  const key = `datasets.problems.kinds.${reason}`;
  const kind = i18next.exists(key) ? t(key as 'datasets.problems.kinds.FILE_KIND') : '';
  return (
    <div style={{ overflowWrap: 'anywhere' }}>
      {kind || message}
      {kind && (
        <Typography.Text type="secondary" style={{ display: 'block', fontSize: 12 }}>
          {message}
        </Typography.Text>
      )}
    </div>
  );
}

/** What would be right, in the user's language where that does not depend on the archive. */
function Expected({ problem: { reason, expected } }: { problem: Problem }) {
  const { t } = useTranslation();
  const key = `datasets.problems.expectations.${reason}`;
  const words = i18next.exists(key) ? t(key as 'datasets.problems.expectations.FILE_BESIDE_CLASSES') : expected;
  return <span style={{ overflowWrap: 'anywhere' }}>{words}</span>;
}
