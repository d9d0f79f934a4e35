import type { Full } from './full';
import type { components } from './schema';

type Schemas = components['schemas'];

export type User = Full<Schemas['identity.v1.User']>;
export type Purpose = Full<Schemas['common.v1.Purpose']>;
export type Resources = Full<Schemas['common.v1.Resources']>;
export type Interface = Full<Schemas['common.v1.Interface']>;
export type InterfaceParameter = Full<Schemas['common.v1.InterfaceParameter']>;
export type Problem = Full<Schemas['common.v1.Problem']>;
export type Dataset = Full<Schemas['dataset.v1.Dataset']>;
export type DatasetState = Dataset['state'];
export type Sample = Full<Schemas['dataset.v1.Sample']>;
export type Algorithm = Full<Schemas['algorithm.v1.Algorithm']>;
export type Task = Full<Schemas['trainer.v1.Task']>;
export type TaskState = Task['state'];
export type Step = Full<Schemas['trainer.v1.Step']>;
export type MetricPoint = Full<Schemas['trainer.v1.MetricPoint']>;
export type Report = Full<Schemas['trainer.v1.Report']>;
export type Scores = Full<Schemas['trainer.v1.Scores']>;
export type Model = Full<Schemas['trainer.v1.Model']>;
export type ModelVersion = Full<Schemas['trainer.v1.ModelVersion']>;
export type Service = Full<Schemas['serving.v1.Service']>;
export type ServiceState = Service['state'];
export type Prediction = Full<Schemas['serving.v1.Prediction']>;
export type Node = Full<Schemas['scheduler.v1.Node']>;
export type Workload = Full<Schemas['scheduler.v1.Workload']>;
export type PlatformEvent = Full<Schemas['event.v1.Event']>;
