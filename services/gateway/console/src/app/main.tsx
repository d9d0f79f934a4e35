import { createRoot } from 'react-dom/client';

import { startI18n } from '@/i18n';

import { App } from './App';
import './page.css';

await startI18n();
const root = document.getElementById('root');
if (root) createRoot(root).render(<App />);
