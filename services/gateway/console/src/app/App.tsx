import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { App as AntApp, ConfigProvider } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { RouterProvider } from 'react-router';

import { makeQueryClient } from '@/api/query';
import { currentUser } from '@/features/session/api';

import { nonce } from './nonce';
import { router } from './routes';
import { type Appearance, LookContext, storeAppearance, storedAppearance, themeOf } from './theme';

function goToSignIn(): void {
  const { pathname, search } = window.location;
  if (pathname !== '/sign-in') {
    void router.navigate(`/sign-in?next=${encodeURIComponent(pathname + search)}`, { replace: true });
  }
}

/** Asks at once who is signed in: nothing can be shown before. */
function startQueries(): QueryClient {
  const queries = makeQueryClient(goToSignIn);
  if (window.location.pathname !== '/sign-in') void queries.prefetchQuery(currentUser);
  return queries;
}

export function App() {
  const { i18n } = useTranslation();
  const [appearance, setAppearance] = useState<Appearance>(storedAppearance);
  const queries = useMemo(startQueries, []);
  const look = useMemo(
    () => ({
      appearance,
      setAppearance: (chosen: Appearance) => {
        storeAppearance(chosen);
        setAppearance(chosen);
      },
    }),
    [appearance],
  );

  useEffect(() => {
    document.documentElement.style.colorScheme = appearance;
    document.body.style.background = appearance === 'dark' ? '#000' : '#f5f5f5';
  }, [appearance]);

  return (
    <LookContext value={look}>
      <ConfigProvider
        theme={themeOf(appearance)}
        locale={i18n.language === 'en' ? enUS : zhCN}
        csp={{ nonce }}
        button={{ autoInsertSpace: false }}
      >
        <AntApp style={{ height: '100%' }}>
          <QueryClientProvider client={queries}>
            <RouterProvider router={router} />
          </QueryClientProvider>
        </AntApp>
      </ConfigProvider>
    </LookContext>
  );
}
