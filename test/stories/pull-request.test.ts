import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPng } from '../charts/read-png.ts';
import { SEED, seedScript } from './seed.ts';
import { openStage, type StoryStage } from './stage.ts';

let stage: StoryStage;
beforeAll(async () => {
  stage = await openStage({ mode: 'socket', scripts: [seedScript().script] });
});
afterAll(async () => stage?.close());

/** Set to write docs/example-pull-request.md and its picture anew. */
const WRITE = process.env['LABMATE_WRITE_EXAMPLE'];

test('the description shows the curve of the run it is about, its figures from the record, and where to check them', async () => {
  await stage.command(SEED);
  const first = await stage.card();
  await stage.click('U2', first, 'approve_call');
  const verdict = await stage.shows(/📈 Improved: val_f1/);
  const chart = verdict.blocks.find((b) => (b as { type: string }).type === 'data_visualization') as { chart: { series: { data: unknown[] }[] } } | undefined;
  expect(chart?.chart.series.map((s) => s.data.length)).toEqual([20, 20]);
  const second = await stage.until('the card of the pull request', () =>
    stage.messages().findLast((m) => stage.button(m, 'approve_call') && m.ts !== first.ts),
  );
  await stage.click('U3', second, 'approve_call');
  const session = await stage.ended();

  const hub = stage.standIns.variables['GITHUB_API_URL'] ?? '';
  const headers = { authorization: `Bearer ${stage.standIns.variables['GITHUB_TOKEN']}` };
  const pull = async () => ((await (await fetch(`${hub}/repos/acme/ads/pulls?state=all`, { headers })).json()) as { body: string }[])[0]?.body ?? '';
  const body = await stage.until('the final head under the description', async () => ((await pull()).includes(session.head) ? await pull() : null));
  for (const part of [
    '### From the record',
    '📈 **Improved**: val_f1',
    '| `val_f1` | 0.7126 | 0.734192 | +0.02159 | +3.03 % |',
    '| `feature_set` | `v1` | `v2` |',
    'Noise: Only the baseline was repeated. The single run of the candidate lies',
    `- Databricks run \`${session.runs[0]?.runId}\``,
    '<details><summary>Approvals</summary>',
    'asked for by priya (Slack user `U1`), approved by alex (Slack user `U3`)',
    '| sam (Slack user `U2`) ',
    `<details><summary>The prompt, word for word</summary>\n\n\`\`\`text\n${session.opened.prompt}\n\`\`\``,
    `final record: ${session.seq} lines, head ${session.head}`,
  ])
    expect(body).toContain(part);
  const url = /!\[[^\]]*\]\((\S+\/curve\.png\?raw=true)\)/.exec(body)?.[1] ?? '';
  const png = new Uint8Array(await (await fetch(url)).arrayBuffer());
  expect(readPng(png).width).toBe(1440);
  const spec = (await (await fetch(url.replace('curve.png', 'chart.json'))).json()) as { data: { values: unknown[] } };
  expect(spec.data.values).toHaveLength(40);

  if (WRITE) {
    const docs = new URL('../../docs/', import.meta.url);
    await writeFile(new URL('example-curve.png', docs), png);
    await writeFile(new URL('example-pull-request.md', docs), example(body, url));
  }
});

/** As GitHub would show it, but for the addresses of stand-ins: links to them lead nowhere, and the picture lies beside the page. */
function example(body: string, picture: string): string {
  const intro =
    '<!-- Made by `LABMATE_WRITE_EXAMPLE=1 npx vitest run test/stories/pull-request.test.ts` from a run between stand-ins; hosts are replaced by examples. -->';
  const hosts = { DATABRICKS_HOST: 'https://workspace.example', MLFLOW_TRACKING_URI: 'https://mlflow.example', GITHUB_API_URL: 'https://github.example' };
  let text = body.replace(picture, 'example-curve.png');
  for (const [name, host] of Object.entries(hosts)) text = text.replaceAll(stage.standIns.variables[name] ?? '', host);
  return `${intro}\n\n# feat: feature-set-v2 ablation\n\n${text.trimEnd()}\n`;
}
