import { render } from 'preact';
import { App } from './page/app.tsx';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element #root');
root.textContent = '';
render(<App />, root);
