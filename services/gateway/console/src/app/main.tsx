import { startTransition } from 'react';
import { createRoot } from 'react-dom/client';

import { startI18n } from '@/i18n';

import { App } from './App';
import './page.css';

await startI18n();
const root = document.getElementById('root');
// As a transition, it is drawn in small steps, between which the browser is at hand.
if (root) startTransition(() => createRoot(root).render(<App />));
