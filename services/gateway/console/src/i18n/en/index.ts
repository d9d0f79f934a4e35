import algorithms from './algorithms';
import cluster from './cluster';
import common from './common';
import datasets from './datasets';
import errors from './errors';
import events from './events';
import guide from './guide';
import models from './models';
import overview from './overview';
import services from './services';
import session from './session';
import tasks from './tasks';

const texts = {
  algorithms,
  cluster,
  common,
  datasets,
  errors,
  events,
  guide,
  models,
  overview,
  services,
  session,
  tasks,
};

export default texts;
