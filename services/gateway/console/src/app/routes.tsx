import type { ComponentType } from 'react';
import { createBrowserRouter, Navigate } from 'react-router';

import { Frame } from './Frame';
import { Loading, NotFoundPage, RouteErrorPage } from './states';

/** A page of its own file, loaded when somebody goes there. */
function page(load: () => Promise<{ default: ComponentType }>) {
  return async () => ({ Component: (await load()).default });
}

export const router = createBrowserRouter([
  { path: '/sign-in', hydrateFallbackElement: <Loading />, lazy: page(() => import('@/features/session/SignInPage')), errorElement: <RouteErrorPage /> },
  {
    element: <Frame />,
    hydrateFallbackElement: <Loading />,
    errorElement: <RouteErrorPage />,
    children: [
      { index: true, element: <Navigate to="/overview" replace /> },
      {
        errorElement: <RouteErrorPage />,
        children: [
          { path: 'overview', lazy: page(() => import('@/features/overview/OverviewPage')) },
          { path: 'guide', lazy: page(() => import('@/features/guide/GuidePage')) },
          { path: 'datasets', lazy: page(() => import('@/features/datasets/DatasetsPage')) },
          { path: 'datasets/:id', lazy: page(() => import('@/features/datasets/DatasetPage')) },
          { path: 'algorithms', lazy: page(() => import('@/features/algorithms/AlgorithmsPage')) },
          { path: 'algorithms/:id', lazy: page(() => import('@/features/algorithms/AlgorithmPage')) },
          { path: 'tasks', lazy: page(() => import('@/features/tasks/TasksPage')) },
          { path: 'tasks/new', lazy: page(() => import('@/features/tasks/NewTaskPage')) },
          { path: 'tasks/:id', lazy: page(() => import('@/features/tasks/TaskPage')) },
          { path: 'models', lazy: page(() => import('@/features/models/ModelsPage')) },
          { path: 'models/:id', lazy: page(() => import('@/features/models/ModelPage')) },
          { path: 'services', lazy: page(() => import('@/features/services/ServicesPage')) },
          { path: 'services/:id', lazy: page(() => import('@/features/services/ServicePage')) },
          { path: 'cluster', lazy: page(() => import('@/features/cluster/ClusterPage')) },
          { path: 'events', lazy: page(() => import('@/features/events/EventsPage')) },
          { path: 'account', lazy: page(() => import('@/features/session/AccountPage')) },
          { path: '*', element: <NotFoundPage /> },
        ],
      },
    ],
  },
]);
