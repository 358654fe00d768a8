import { filesOf } from './git-objects.ts';
import { type Pull, type Repo, resolve, treeOf } from './github-repos.ts';
import { markdownToHtml } from './markdown.ts';
import { escapeHtml } from './stand-in.ts';

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;color:#1f2328;max-width:900px;margin:0 auto;padding:24px 16px}
a{color:#0969da;text-decoration:none}a:hover{text-decoration:underline}h1{font-size:24px;margin:4px 0}
.crumb,.meta{color:#59636e}.state{color:#fff;border-radius:14px;padding:3px 12px;font-size:13px;text-transform:capitalize}.open{background:#1a7f37}.draft{background:#59636e}.closed{background:#cf222e}.merged{background:#8250df}
.box{border:1px solid #d1d9e0;border-radius:6px;margin:16px 0}.box>.head{background:#f6f8fa;border-bottom:1px solid #d1d9e0;padding:8px 14px;font-size:13px}.box>.in{padding:4px 16px}
pre{background:#f6f8fa;padding:12px;overflow:auto;border-radius:6px;font-size:12.5px}code{background:#eff1f3;border-radius:4px;padding:1px 4px}pre code{padding:0}
table{border-collapse:collapse;margin:8px 0}th,td{border:1px solid #d1d9e0;padding:4px 10px}blockquote{border-left:3px solid #d1d9e0;margin-left:0;padding-left:12px;color:#59636e}
form{display:inline}button{font:inherit;font-weight:600;padding:5px 16px;border-radius:6px;border:1px solid #d1d9e0;background:#f6f8fa;cursor:pointer}button.go{background:#1f883d;color:#fff}
.label{border:1px solid #d1d9e0;border-radius:12px;padding:1px 9px;font-size:12px;margin-left:6px}.note{background:#fff8c5;border:1px solid #d4a72c66;border-radius:6px;padding:6px 12px;font-size:13px}summary{cursor:pointer;padding:6px 14px;font-family:monospace}`;

/** A pull request: title, rendered description, what its branch adds, and the buttons a reviewer has. */
export function pullPage(repo: Repo, pull: Pull): string {
  const state = stateOf(pull);
  const where = `/${repo.owner}/${repo.name}/pull/${pull.number}`;
  const labels = pull.labels.map((l) => `<span class="label">${escapeHtml(l)}</span>`).join('');
  const reviewers = pull.reviewers.length ? ` · review asked of ${pull.reviewers.map(escapeHtml).join(', ')}` : '';
  const button = (what: string, words: string, go = '') => `<form method="post" action="${where}/${what}"><button class="${go}">${words}</button></form> `;
  const buttons = pull.merged
    ? '<p class="meta">Merged. Nothing is left to do here.</p>'
    : state === 'closed'
      ? button('reopen', 'Reopen pull request')
      : (state === 'draft' ? button('ready', 'Ready for review') : button('merge', 'Merge pull request', 'go')) + button('close', 'Close pull request');
  const files = changedFiles(repo, pull).map(
    ({ path, base64 }) => `<details class="box"><summary>${escapeHtml(path)}</summary>${path.endsWith('.md') ? asText(base64) : shown(path, base64)}</details>`,
  );
  return page(
    `${pull.title} · #${pull.number}`,
    `${crumb(repo)}<h1>${escapeHtml(pull.title)} <span class="meta">#${pull.number}</span></h1>
<p><span class="state ${state}">${state}</span> <span class="meta">wants to merge <code>${escapeHtml(pull.head)}</code> into <code>${escapeHtml(pull.base)}</code>${reviewers}</span>${labels}</p>
<div class="box"><div class="head">Description</div><div class="in" id="description">${markdownToHtml(pull.body)}</div></div>
<p>${buttons}</p><h2>Files changed (${files.length})</h2>${files.join('\n')}`,
  );
}

/** As its badge says it. */
function stateOf({ merged, draft, state }: Pull): 'merged' | 'draft' | 'open' | 'closed' {
  return merged ? 'merged' : draft && state === 'open' ? 'draft' : state;
}

/** One file at a commit or branch. */
export function filePage(repo: Repo, path: string, content: Uint8Array): string {
  const inside = shown(path, Buffer.from(content).toString('base64'));
  return page(path, `${crumb(repo)}<h1>${escapeHtml(path)}</h1><div class="box"><div class="head">${content.byteLength} bytes</div>${inside}</div>`);
}

function shown(path: string, base64: string): string {
  if (path.endsWith('.png')) return `<img src="data:image/png;base64,${base64}" alt="${escapeHtml(path)}" style="max-width:100%">`;
  return path.endsWith('.md') ? `<div class="in">${markdownToHtml(Buffer.from(base64, 'base64').toString('utf8'))}</div>` : asText(base64);
}

function asText(base64: string): string {
  return `<pre>${escapeHtml(Buffer.from(base64, 'base64').toString('utf8'))}</pre>`;
}

/** A repository: its files on the default branch, and its pull requests. */
export function repoPage(repo: Repo): string {
  const root = `/${repo.owner}/${repo.name}`;
  const main = resolve(repo, 'HEAD') ?? '';
  const files = Object.keys(filesOf(repo.objects, treeOf(repo, main))).map(
    (p) => `<li><a href="${root}/blob/${repo.defaultBranch}/${encodeURI(p)}">${escapeHtml(p)}</a></li>`,
  );
  const pulls = [...repo.pulls].reverse().map((p) => `<li><a href="${root}/pull/${p.number}">#${p.number} ${escapeHtml(p.title)}</a> (${stateOf(p)})</li>`);
  const list = (items: string[]) => (items.length ? `<ul>${items.join('')}</ul>` : '<p class="meta">None yet.</p>');
  return page(`${repo.owner}/${repo.name}`, `<h1>${repo.owner}/${repo.name}</h1><h2>Files</h2>${list(files)}<h2>Pull requests</h2>${list(pulls)}`);
}

/** Files of the head that the base has not, or has with other bytes. */
function changedFiles(repo: Repo, pull: Pull): { path: string; base64: string }[] {
  const at = (ref: string) => filesOf(repo.objects, treeOf(repo, resolve(repo, ref) ?? ''));
  // A merged head is in its base already: then what it added stands beside its own first parent.
  const parent = repo.objects.commits[resolve(repo, pull.head) ?? '']?.parents[0];
  const [head, base] = [at(pull.head), at(pull.merged && parent ? parent : pull.base)];
  return Object.entries(head)
    .filter(([path, f]) => base[path]?.sha !== f.sha)
    .map(([path, f]) => ({ path, base64: repo.objects.blobs[f.sha] ?? '' }));
}

function crumb(repo: Repo): string {
  return `<div class="crumb"><a href="/${repo.owner}/${repo.name}">${repo.owner}/${repo.name}</a></div>`;
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><p class="note">This is the sandbox's stand-in for GitHub.</p>${body}</body></html>`;
}
