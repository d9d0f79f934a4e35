import { Alert, Button, Col, Empty, Form, Input, Row } from 'antd';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';

import { ApiError } from '@/api/errors';
import type { InterfaceParameter, Service } from '@/api/types';
import { ErrorAlert } from '@/components/errors';
import { useInLanguage } from '@/i18n/bilingual';

import { Answer } from './Answer';
import { type Inputs, LOAD, TEXT_MAX, usePredict, useStartService } from './api';
import { ImageInput } from './ImageInput';
import { base64Of, type ChosenImage, sampleImage } from './images';

type Values = Record<string, string | ChosenImage | undefined>;

/** A form made from the interface of a service, and what the model answers. */
export function OnlineTest({ service }: { service: Service }) {
  const { t } = useTranslation();
  const predict = usePredict(service.id);
  const parameters = service.interface?.parameters ?? [];
  const running = service.state === 'STATE_RUNNING';
  if (!parameters.length) return <Empty description={t('services.test.noInterface')} />;
  return (
    <>
      {!running && <NotRunning service={service} />}
      <Row gutter={[24, 16]}>
        <Col xs={24} lg={12}>
          <Form<Values>
            layout="vertical"
            initialValues={Object.fromEntries(parameters.map((one) => [one.name, valueToTry(t, one)]))}
            onValuesChange={() => predict.reset()}
            onFinish={(values) => predict.mutate(inputsOf(values))}
          >
            {parameters.map((parameter) => (
              <ParameterItem key={parameter.name} parameter={parameter} />
            ))}
            <Button type="primary" htmlType="submit" disabled={!running} loading={predict.isPending}>
              {t('services.test.run')}
            </Button>
          </Form>
        </Col>
        <Col xs={24} lg={12} role="region" aria-label={t('services.test.result')} aria-live="polite">
          <PredictError error={predict.error} parameters={parameters} />
          {predict.data?.prediction && <Answer {...predict.data} prediction={predict.data.prediction} />}
          {!predict.data && !predict.error && (
            <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('services.test.noResult')} />
          )}
        </Col>
      </Row>
    </>
  );
}

function valueToTry(t: TFunction, { type, test_value }: InterfaceParameter): string | ChosenImage | undefined {
  return type === 'image' ? sampleImage(t('services.test.testImage'), test_value) : test_value;
}

/** What is sent; what was left empty is not. */
export function inputsOf(values: Values): Inputs {
  const given = Object.entries(values).flatMap(([name, value]) =>
    value ? [[name, typeof value === 'string' ? value : base64Of(value)] as const] : [],
  );
  return Object.fromEntries(given);
}

function ParameterItem({ parameter }: { parameter: InterfaceParameter }) {
  const { t } = useTranslation();
  const inLanguage = useInLanguage();
  const { name, type, required } = parameter;
  const image = type === 'image';
  const missing = image ? t('services.test.imageMissing') : t('services.test.textMissing');
  return (
    <Form.Item
      name={name}
      label={required ? name : `${name} (${t('services.test.optional')})`}
      tooltip={inLanguage(parameter.description) || undefined}
      rules={[
        { required, message: missing, ...(image ? {} : { whitespace: required }) },
        ...(image ? [] : [{ max: TEXT_MAX, message: t('services.test.textTooLong', { max: TEXT_MAX }) }]),
      ]}
    >
      {image ? <ImageInput /> : <Input.TextArea rows={6} />}
    </Form.Item>
  );
}

function NotRunning({ service }: { service: Service }) {
  const { t } = useTranslation();
  const start = useStartService(service.id);
  const startable = service.state === 'STATE_STOPPED' || service.state === 'STATE_FAILED';
  return (
    <Alert
      type="info"
      showIcon
      style={{ marginBlockEnd: 16 }}
      title={service.state === 'STATE_STARTING' ? t('services.test.comingUp') : t('services.test.notRunning')}
      action={
        startable && (
          <Button size="small" type="primary" loading={start.isPending} onClick={() => start.mutate(LOAD.min)}>
            {t('services.test.startNow')}
          </Button>
        )
      }
    />
  );
}

/** The model is away for a moment: the server loads it again by itself. */
const RELOADING = ['INSTANCE_DEAD', 'MODEL_NOT_LOADED'];

/** What is known of the form says more than the server's sentence. */
function PredictError({ error, parameters }: { error: unknown; parameters: InterfaceParameter[] }) {
  const { t } = useTranslation();
  const reason = error instanceof ApiError ? error.reason : '';
  const field = error instanceof ApiError ? error.fields[0]?.field : undefined;
  const meant = parameters.find(({ name }) => field?.endsWith(`.${name}`));
  if (RELOADING.includes(reason)) return <ErrorSentence text={t('services.test.reloading')} />;
  if (reason === 'BAD_INPUT' && meant?.type === 'image') return <ErrorSentence text={t('services.test.badImage')} />;
  return <ErrorAlert error={error} />;
}

function ErrorSentence({ text }: { text: string }) {
  return <Alert type="error" showIcon role="alert" title={text} />;
}
