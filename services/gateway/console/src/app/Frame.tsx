import { Alert, Layout, theme } from 'antd';
import { Suspense, useDeferredValue, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, Outlet, useLocation } from 'react-router';

import { LiveContext, useLiveQueries } from '@/api/live';
import { signedOut } from '@/api/query';
import { ErrorResult } from '@/components/errors';
import { Later } from '@/components/Later';
import { useCurrentUser } from '@/features/session/api';

import { Header } from './Header';
import { Navigation } from './Navigation';
import { Loading } from './states';

const WIDTH = 208;

/** What stands around every page of somebody who is signed in. */
export function Frame() {
  const user = useCurrentUser();
  const { pathname, search } = useLocation();

  // What is deferred is drawn in small steps, between which the browser is at hand.
  const drawn = useDeferredValue(user.isSuccess, false);

  if (user.isPending || (user.isSuccess && !drawn)) return <Loading />;
  if (signedOut(user.error)) return <Navigate to={`/sign-in?next=${encodeURIComponent(pathname + search)}`} replace />;
  if (user.error) return <ErrorResult error={user.error} onRetry={() => void user.refetch()} />;
  return <SignedIn />;
}

function SignedIn() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const [narrow, setNarrow] = useState(false);
  const live = useLiveQueries();
  const broken = useWas(live) && !live;

  return (
    <LiveContext value={live}>
      <a className="skip-link" href="#content">
        {t('common.skip')}
      </a>
      <Layout style={{ minHeight: '100%' }}>
        <Layout.Sider
          width={WIDTH}
          collapsedWidth={56}
          breakpoint="lg"
          collapsed={narrow}
          onCollapse={setNarrow}
          collapsible
          trigger={null}
          theme="light"
          style={{
            position: 'sticky',
            top: 0,
            height: '100vh',
            overflow: 'auto',
            borderInlineEnd: `1px solid ${token.colorBorderSecondary}`,
          }}
        >
          <Later>
            <Navigation narrow={narrow} />
          </Later>
        </Layout.Sider>
        <Layout>
          <Header onMenu={() => setNarrow(!narrow)} narrow={narrow} />
          {broken && <Alert banner type="warning" title={t('common.broken')} />}
          <Layout.Content
            id="content"
            tabIndex={-1}
            style={{ padding: 20, outline: 'none', maxWidth: 1680, width: '100%', boxSizing: 'border-box' }}
          >
            <Suspense fallback={<Loading />}>
              <Later>
                <Outlet />
              </Later>
            </Suspense>
          </Layout.Content>
        </Layout>
      </Layout>
    </LiveContext>
  );
}

/** Whether `value` has ever been true. */
function useWas(value: boolean): boolean {
  const [was, setWas] = useState(false);
  if (value && !was) setWas(true);
  return was;
}
