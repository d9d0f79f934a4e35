import type zh from '../zh/overview';
import type { Same } from '../messages';

const overview: Same<typeof zh> = {
  title: 'Overview',
  datasets: 'Data sets',
  tasks: 'Training tasks',
  models: 'Models',
  services: 'Services',
  importing: 'importing',
  importFailed: 'failed',
  waiting: 'waiting',
  training: 'training',
  failed: 'failed',
  running: 'running',
  lowest: 'lowest precision',
  lowestHint: 'The published model with the lowest precision: {{name}}',
  now: 'In progress',
  nowEmpty: 'No task runs or waits at the moment.',
  starting: 'starting',
  loads: 'instances {{actual}}/{{desired}}',
  recentModels: 'Recent models',
  recentServices: 'Recent services',
  modelsEmpty: 'No models yet: publish the result of a finished task and it appears here.',
  servicesEmpty: 'No services yet: publish a model as a service so that other programs can call it.',
  activity: 'Recent activity',
  activityEmpty: 'Nothing has happened yet.',
  nodes: 'Cluster resources',
  nodesEmpty: 'There is no node, so tasks cannot run.',
  seeAll: 'See all',
  newDataset: 'New data set',
  newTask: 'New task',
  welcome: 'Welcome! Train your first model in a few minutes',
  welcomeText:
    'All you need are pictures or texts, sorted into one folder for each class. No knowledge of AI is needed: the guide takes you through step by step.',
  welcomeStart: 'Start: my first model',
  progressOf: 'Progress of "{{name}}"',
  serviceStates: {
    STATE_UNSPECIFIED: 'unknown',
    STATE_STOPPED: 'stopped',
    STATE_STARTING: 'starting',
    STATE_RUNNING: 'running',
    STATE_STOPPING: 'stopping',
    STATE_FAILED: 'failed',
  },
};

export default overview;
