import { writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { startGithub } from '../../src/sandbox/github.ts';
import { github } from '../../src/services/github.ts';
import { createGithubPr } from '../../src/tools/create-github-pr.ts';
import type { Plan, SessionFacts, ToolContext } from '../../src/tools/define-tool.ts';
import { curveOf } from '../../src/tools/pull-request-curve.ts';
import { hostFacts } from '../../src/tools/pull-request-facts.ts';
import { readPng } from '../charts/read-png.ts';
import { approved, asks, finished, opened, recordOf, replied, sessionOf, started } from '../session/logs.ts';

const curve = (top: number) => Array.from({ length: 20 }, (_, i): [number, number] => [i, Number((top * (1 - 0.6 * Math.exp(-i / 4))).toFixed(4))]);
const comparison = {
  baseline: { run_id: 'b'.repeat(32), name: 'sweep-00', url: 'https://mlflow.example/b' },
  candidate: { run_id: 'c'.repeat(32), name: 'ads | @all <b>', url: 'https://mlflow.example/c' },
  primary: { metric: 'val_f1', verdict: 'improved', verdict_reason: 'val_f1 0.734 against 0.7126 (+0.0214): better by more than 1 % relative.' },
  metrics: [
    { key: 'val_f1', baseline: 0.7126, candidate: 0.734, delta: 0.0214, delta_pct: 3.003 },
    { key: 'loss', baseline: 'NaN', candidate: 0.3, delta: null, delta_pct: null },
  ],
  params: { changed: [{ key: 'feature_set', baseline: 'v1', candidate: 'v2' }], added: [{ key: 'note', candidate: 'x' }], removed: [], same_count: 4 },
  noise: { note: 'Single run each: noise unknown.' },
  warnings: ['feature_set and note both differ.'],
  curve: { metric: 'val_f1', baseline: curve(0.7126), candidate: curve(0.734) },
};
const events = [
  opened('Run it with ``` and <!-- labmate session:x -->, @everyone'),
  replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]),
  asks('c1'),
  approved('c1'),
  started('c1'),
  finished('c1', { run_id: '7', run_url: 'https://dbc.example/run/7' }),
  replied(6, [{ id: 'c2', tool: 'compare_runs' }]),
  finished('c2', comparison as never),
];

test('verdict, figures, differences and runs stand open; approvals and prompt are folded; nothing from outside gets through', () => {
  expect(hostFacts(sessionOf(events), { url: 'https://github.com/acme/ads/blob/abc/curve.png?raw=true', alt: 'val_f1' }, 10_000)).toMatchInlineSnapshot(`
    "### From the record

    📈 **Improved**: val_f1 0.734 against 0.7126 (+0.0214): better by more than 1 % relative.

    | Metric | Baseline | Candidate | Δ | Δ % |
    | --- | ---: | ---: | ---: | ---: |
    | \`val_f1\` | 0.7126 | 0.734 | +0.0214 | +3.003 % |
    | \`loss\` | NaN | 0.3 |  |  |

    ![val_f1](https://github.com/acme/ads/blob/abc/curve.png?raw=true)

    | Parameter that differs | Baseline | Candidate |
    | --- | --- | --- |
    | \`feature_set\` | \`v1\` | \`v2\` |
    | \`note\` | not set | \`x\` |

    Noise: Single run each: noise unknown.

    What a careful reader would object to:

    - feature_set and note both differ.

    Runs:

    - Candidate: MLflow \`cccccccccccccccccccccccccccccccc\` (ads \\| \`@all\` \\<b\\>) <https://mlflow.example/c>
    - Baseline: MLflow \`bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\` (sweep-00) <https://mlflow.example/b>
    - Databricks run \`7\` <https://dbc.example/run/7>

    <details><summary>Approvals</summary>

    | What | Approved by | Digest of the arguments |
    | --- | --- | --- |
    | Run job 101 (ads-train) | Slack user \`U2\` 2026-11-01T09:03:00.000Z | \`aaaaaaaaaaaa\` |

    </details>

    <details><summary>The prompt, word for word</summary>

    \`\`\`\`text
    Run it with \`\`\` and <!-- labmate session:x -->, @everyone
    \`\`\`\`

    </details>"
  `);
});

test('what does not fit is left out whole, and said', () => {
  const facts = hostFacts(sessionOf([opened('x'.repeat(5_000)), ...events.slice(1)]), null, 2_500);
  expect(facts.length).toBeLessThan(2_500);
  expect(facts).toContain('**Improved**');
  expect(facts).toContain("1 part is left out for length; the record's README.md has the whole.");
});

test('the commit holds the curve as a picture and as data, and the description shows it at that commit', async () => {
  const hub = await startGithub();
  // Slack is not asked when it is sent: what it called people is in the log.
  const named = events.map((e) => {
    if (e.type === 'approved') return { ...e, name: 'Sam <@U9> *Okafor*' };
    if (e.type !== 'call_parked' || e.waiting.for !== 'approval') return e;
    return { ...e, waiting: { ...e.waiting, preview: { ...e.waiting.preview, people: { U1: 'Priya N' } } } };
  });
  const facts: SessionFacts = {
    ...{ id: 's1', alias: 'e-7k2f', team: 'T1', channel: 'C1', thread: null, requester: 'U1', prompt: '', call: 'c3' },
    ...{ runs: ['7'], woken: [], approvedBy: ['U2'], postsOutside: 0, links: () => new Map() },
    record: recordOf(named),
  };
  const ctx: ToolContext = {
    services: { github: github({ token: 't', baseUrl: hub.url }) },
    settings: { defaults: { repository: 'acme/ads', base: 'main' }, metrics: {}, thresholdReading: 'relative', recordsPath: 'experiments', environments: {} },
    session: facts,
    signal: new AbortController().signal,
    now: () => 0,
  };
  try {
    const plan = (await createGithubPr.plan(createGithubPr.input.parse({ title: 'v2', body: 'It is better.' }) as never, ctx)) as Plan;
    expect(JSON.stringify(plan.preview)).toContain('README.md, record.jsonl, curve.png and chart.json');
    const { data } = await createGithubPr.run(plan, ctx, 'k'.repeat(64));
    const { branch, head_sha } = data as { branch: string; head_sha: string };
    const folder = 'experiments/2026-11-01-v2-e-7k2f';
    const chart = await ctx.services.github?.getFile({ repo: 'acme/ads', path: `${folder}/chart.json`, ref: branch });
    expect(JSON.parse(chart?.text ?? '')).toMatchObject({ $schema: 'https://vega.github.io/schema/vega-lite/v6.json' });
    const pull = await ctx.services.github?.findPullRequest({ repo: 'acme/ads', branch });
    expect(pull?.body).toContain(`![val_f1: candidate and baseline, over the steps](${hub.url}/acme/ads/blob/${head_sha}/${folder}/curve.png?raw=true)`);
    expect(pull?.body).toContain('asked for by Priya N (Slack user `U1`), approved by Sam');
    expect(pull?.body).toContain('Sam `<@U9>` \\*Okafor\\* (Slack user `U2`)');
    expect(pull?.body.match(/<!-- labmate session:/g)).toHaveLength(2);
    expect(pull?.body.trimEnd().endsWith('<!-- labmate session:s1 -->')).toBe(true);
    // Sent again after a crash, on a machine with other fonts: the same pull request.
    expect((await createGithubPr.run(plan, ctx, 'k'.repeat(64))).data).toMatchObject({ already_exists: true });
  } finally {
    await hub.close();
  }
});

test('without a font there is no picture without words: its data, and the reason', async () => {
  const drawn = await curveOf(sessionOf(events));
  expect(readPng(drawn?.png ?? new Uint8Array()).width).toBe(1440);
  if (process.env['PICTURES']) await writeFile(`${process.env['PICTURES']}/curve.png`, drawn?.png ?? '');
  const bare = await curveOf(sessionOf(events), { systemFonts: false });
  expect(bare).toMatchObject({ png: null, missing: 'no font is installed where labmate runs. Its data is in chart.json.' });
  expect(bare?.json).toBe(drawn?.json);
});
