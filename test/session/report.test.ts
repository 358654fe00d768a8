import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costLine } from '../../src/session/cost.ts';
import type { EventOf, SessionEvent } from '../../src/session/events.ts';
import { code, fenced, link, prose } from '../../src/session/quote.ts';
import { report } from '../../src/session/report.ts';
import { approved, asks, DIGEST, denied, finished, opened, replied, sessionOf, started, told, waitsForAnswer, waitsForJob } from './logs.ts';

const prompt = 'Run a training job using config base_config.json but with feature_set=v2.\nIf val_f1 improved by more than 1%, open a GitHub PR.';
const compared = {
  baseline: { run_id: 'b'.repeat(32), name: 'sweep-00', url: 'http://mlflow.test/#/experiments/1/runs/b', status: 'FINISHED' },
  candidate: { run_id: 'c'.repeat(32), name: 'ads-train-v2', url: 'http://mlflow.test/#/experiments/1/runs/c', status: 'FINISHED' },
  primary: {
    metric: 'val_f1',
    verdict: 'improved',
    verdict_reason: 'val_f1 0.734192 against 0.7126 (+0.021592, +3.03003 % relative, +2.1592 percentage points): better by more than 1 % relative.',
  },
  metrics: [
    { key: 'val_f1', baseline: 0.7126, candidate: 0.734192, delta: 0.021592, delta_pct: 3.0300308728599497, direction: 'max', flag: 'better' },
    { key: 'val_loss', baseline: 0.34, candidate: 'NaN', delta: null, delta_pct: null, direction: 'min', flag: 'not_finite' },
  ],
  params: { changed: [{ key: 'feature_set', baseline: 'v1', candidate: 'v2' }], added: [], removed: [], same_count: 5 },
  noise: { n_baseline: 1, n_candidate: 1, note: 'Single run each: noise unknown.' },
  warnings: ['Not finite in the candidate: val_loss.'],
};
const comparing: SessionEvent[] = [
  replied(9, [
    { id: 'c3', tool: 'find_best_run', input: { experiment: 'ads-rank-v3', metric: 'val_f1' } },
    { id: 'c4', tool: 'compare_runs', input: { baseline_run_id: 'b', candidate_run_id: 'c' } },
  ]),
  { type: 'call_finished', call: 'c3', outcome: { status: 'ok', text: 'Best val_f1 in ads-rank-v3: 0.7126, best of 41.', data: { found: true } } },
  { type: 'call_finished', call: 'c4', outcome: { status: 'ok', text: 'improved', data: compared } },
];
const pr: EventOf<'call_started'> = {
  ...started('c5', 'create_github_pr', 6000),
  approval: 's1/2',
  arguments: { repo: 'acme/ads', title: 'feat: feature-set-v2 ablation', body: 'As the `verdict` says.' },
};
const whole: SessionEvent[] = [
  opened(prompt),
  replied(1, [{ id: 'c1', tool: 'run_databricks_job', input: { job_id: '101' } }]),
  asks('c1'),
  { type: 'refused', of: 'decision', call: 'c1', approval: 's1/1', by: 'U1', why: 'Only approvers may decide, and the requester is none.' },
  approved('c1'),
  started('c1'),
  finished('c1', { run_id: '412000000000101', run_url: 'https://dbx.test/jobs/101/runs/412000000000101' }),
  replied(7, [{ id: 'c2', tool: 'wait_for_job', input: { run_ids: ['412000000000101'] } }]),
  finished('c2'),
  ...comparing,
  replied(13, [{ id: 'c5', tool: 'create_github_pr', input: {} }]),
  asks('c5', 's1/2'),
  { type: 'noted', about: 'retry', text: 'GitHub is limiting requests.', call: 'c5' },
  approved('c5', 'U3', 's1/2'),
  pr,
  finished('c5', { url: 'https://github.com/acme/ads/pull/7', number: 7, status: 'opened' }),
  told('thanks!'),
  replied(20, [], 'Done.'),
  { type: 'ended', outcome: 'done', text: 'val_f1 rose by 3.03 %; pull request 7 is open.' },
];

describe('the report of a session', () => {
  it('counts the same tokens as in as the thread does: what the cache held went in, too', () => {
    const cached: SessionEvent = { ...replied(1, [], 'Hello.'), usage: { input: 3, output: 20, cache_read: 46_860, cache_write: 8_705 } };
    const session = sessionOf([opened(prompt), cached]);
    const tokens = '55,568 tokens in (46,860 from its cache, 8,705 written to it), 20 out';
    expect(report(session)).toContain(`- 1 reply of the model; ${tokens}\n`);
    expect(costLine(session)).toBe(`model: 1 turn, ${tokens}`);
    const first: SessionEvent = { ...replied(1, [], 'Hello.'), usage: { input: 3, output: 20, cache_read: 0, cache_write: 8_705 } };
    expect(costLine(sessionOf([opened(prompt), first]))).toBe('model: 1 turn, 8,708 tokens in (8,705 written to its cache), 20 out');
  });

  it('tells the whole ablation', async () => {
    await expect(report(sessionOf(whole))).toMatchFileSnapshot('report.ablation.md.snap');
  });

  it('is the same from the same log, and can be made of every part of it', () => {
    for (let n = 1; n <= whole.length; n++) {
      const text = report(sessionOf(whole.slice(0, n)));
      expect(text).toBe(report(sessionOf(whole.slice(0, n))));
      expect(text).toContain(`- ${n} lines, head `);
      expect(text).toContain(n === whole.length ? '## How it ended' : '## Where it stands');
    }
  });

  it.each([
    ['an open approval', [asks('c1')], 'open until 2026-11-02T09:00:00.000Z, 0 of 1', 'waits for an approval until'],
    [
      'a denial with its reason',
      [asks('c1'), denied('c1', 'U2', 'budget | `x` @here')],
      "denied by `U2` 2026-11-01T09:03:00.000Z: budget \\| 'x' `@here`",
      '## Approvals',
    ],
    ['an approval nobody used', [asks('c1'), approved('c1')], 'approved by `U2` 2026-11-01T09:03:00.000Z, not used', '## Approvals'],
    ['an expired one', [asks('c1'), { type: 'expired', call: 'c1', approval: 's1/1' }], 'expired 2026-11-01T09:03:00.000Z', '## Approvals'],
    [
      'a withdrawn one',
      [asks('c1'), { type: 'withdrawn', call: 'c1', approval: 's1/1', by: 'U1', of: 'question' }],
      'withdrawn by `U1` 2026-11-01T09:03:00.000Z',
      '## Approvals',
    ],
    ['a wait for a job', [waitsForJob('c1')], 'waits for all of `7`', '## Where it stands'],
    ['a question', [waitsForAnswer('c1')], 'waits for an answer of `U1`: Which?', '## Where it stands'],
    ['a message', [told('and then?', 'message', 'other', 'U9')], '`U9` (other) said: and then?', 'Then:'],
  ] as [string, SessionEvent[], string, string][])('tells %s', (_, events, ...texts) => {
    const text = report(sessionOf([opened(), replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), ...events]));
    for (const part of texts) expect(text).toContain(part);
  });

  it('sets what was to be done and did not run apart from what was looked at', () => {
    const end = (call: string, status: EventOf<'call_finished'>['outcome']['status'], text: string): SessionEvent => ({
      type: 'call_finished',
      call,
      outcome: { status, text },
    });
    const text = report(
      sessionOf([
        opened(),
        replied(1, [
          { id: 'c1', tool: 'run_databricks_job', input: { job_id: '900' } },
          { id: 'c2', tool: 'run_databricks_job', input: { job_id: '101' } },
          { id: 'c3', tool: 'get_job_status', input: { run_id: '7' } },
          { id: 'c4', tool: 'create_github_pr', input: { title: 'x' } },
        ]),
        end('c1', 'refused', 'Job 900 belongs to prod.'),
        asks('c2'),
        { type: 'expired', call: 'c2', approval: 's1/1' },
        end('c2', 'expired', 'Nobody decided in time.'),
        end('c3', 'failed', 'Databricks has no run 7.'),
        asks('c4', 's1/2'),
      ]),
    );
    const [undone, looked] = ['What did not run', 'What was looked at'].map((title) => text.split(`## ${title}\n\n`)[1]?.split('\n\n')[0]);
    expect(undone?.split('\n')).toEqual([
      '- `run_databricks_job` `{"job_id":"900"}`: refused. Job 900 belongs to prod.',
      '- `run_databricks_job` `{"job_id":"101"}`: approval expired. Nobody decided in time.',
      '- `create_github_pr` `{"title":"x"}`: waits for an approval until 2026-11-02T09:00:00.000Z',
    ]);
    expect(looked).toBe('- `get_job_status` `{"run_id":"7"}`: failed. Databricks has no run 7.');
  });

  it('says what somebody changed in a call', () => {
    const waiting = asks('c1').waiting;
    if (waiting.for !== 'approval') throw new Error('no question');
    const { preview, expires_at } = waiting;
    const next = { approval: 's1/1.1', digest: DIGEST, arguments: { job_id: '101', parameters: { feature_set: 'a|b', seed: '1' } }, preview, expires_at };
    const text = report(
      sessionOf([
        opened(),
        replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]),
        asks('c1'),
        { type: 'edited', call: 'c1', approval: 's1/1', by: 'U2', digest: DIGEST, next },
      ]),
    );
    expect(text).toContain(
      '| replaced by an edited one by `U2` 2026-11-01T09:03:00.000Z: `parameters.feature_set` `v2` → `a│b`, `parameters.seed` added: `1` |',
    );
  });

  it('ends with what the model said last, as its words, and says nothing twice', () => {
    const ended = (text: string, words: string) =>
      report(sessionOf([opened(), replied(1, [], words), { type: 'ended', outcome: 'done', text }])).split('## How it ended\n\n')[1] ?? '';
    expect(ended('', 'val_f1 rose.\n# <!channel>')).toMatch(/^Answered\.\n\nThe model's last words:\n\n```text\nval_f1 rose\.\n# <!channel>\n```\n\n/);
    expect(ended('val_f1 rose.', 'val_f1 rose.').match(/val_f1 rose/g)).toHaveLength(1);
    expect(ended('', '')).toMatch(/^Answered\.\n\n## Record/);
    expect(ended('', 'x')).toContain('- 1 reply of the model;');
  });

  it('within the pull request that carries it does not wait to be approved, and names who is known by name', () => {
    const asked = asks('c5', 's1/2');
    if (asked.waiting.for !== 'approval') throw new Error('no question');
    const named = { ...asked, waiting: { ...asked.waiting, preview: { ...asked.waiting.preview, people: { U1: 'priya' } } } };
    const events = [opened(prompt), replied(1, [{ id: 'c5', tool: 'create_github_pr' }]), named, { ...approved('c5', 'U2', 's1/2'), name: 'sam' }];
    const text = report(sessionOf(events), 'c5');
    expect(text).toContain('- Asked by priya (Slack user `U1`) in `C0ML`');
    expect(text).toContain('| approved by sam (Slack user `U2`) 2026-11-01T09:03:00.000Z, being opened with this file |');
    expect(text).toContain('- `create_github_pr`: being opened with this file');
    expect(text).not.toMatch(/What did not run|What was looked at/);
    expect(report(sessionOf(events))).toContain(', not used |');
  });

  it('tells a failed comparison and one it cannot read, without inventing figures', () => {
    const of = (outcome: EventOf<'call_finished'>['outcome']) =>
      report(sessionOf([opened(), replied(1, [{ id: 'c1', tool: 'compare_runs' }]), { type: 'call_finished', call: 'c1', outcome }]));
    expect(of({ status: 'failed', text: 'MLflow has no run x.' })).toContain('The comparison failed: MLflow has no run x.');
    expect(of({ status: 'ok', text: 'improved, they say', data: { odd: true } })).toContain('## Result\n\nimproved, they say');
  });

  it('keeps long arguments bounded', () => {
    const text = report(
      sessionOf([
        opened(),
        replied(1, [{ id: 'c5', tool: 'create_github_pr' }]),
        { ...pr, approval: undefined, rule: 'auto', arguments: { body: 'x'.repeat(60_000) } } as SessionEvent,
      ]),
    );
    expect(text.length).toBeLessThan(10_000);
    expect(text).toContain('more characters; whole in the record)');
    expect(text).toContain(`by rule \`auto\`, digest of the arguments \`${DIGEST}\``);
  });

  it('lets no text from outside out of its place', () => {
    const evil =
      '```\n# Owned\n@channel <!channel> | a | b |\n[x](javascript:alert(1)) ![i](http://evil.test/i.png) \u202Egnp\u200b #12 www.evil.test ```` </details>';
    const events: SessionEvent[] = [
      { ...opened(evil), by: evil },
      { type: 'told', by: evil, text: evil, ts: null, kind: 'message', standing: 'requester' },
      replied(1, [
        { id: 'c1', tool: 'run_databricks_job', input: { evil } },
        { id: 'c4', tool: 'compare_runs' },
        { id: 'c5', tool: 'create_github_pr' },
      ]),
      {
        type: 'call_finished',
        call: 'c4',
        outcome: {
          status: 'ok',
          text: evil,
          data: {
            ...compared,
            baseline: { run_id: evil, name: evil, url: evil },
            warnings: [evil],
            primary: { metric: evil, verdict: evil, verdict_reason: evil },
          },
        },
      },
      asks('c1'),
      denied('c1', evil, evil),
      { ...started('c5'), arguments: { [evil]: evil } },
      finished('c5', { url: `https://github.com/x) ${evil}`, number: evil }),
      { type: 'noted', about: 'attention', text: evil },
      { type: 'ended', outcome: 'failed', text: evil },
    ];
    const text = report(sessionOf(events));
    let fence = '';
    for (const line of text.split('\n')) {
      const mark = /^(`{3,})/.exec(line)?.[1] ?? '';
      if (fence) {
        if (line === fence) fence = '';
        continue;
      }
      if (mark) {
        fence = mark;
        continue;
      }
      const bare = line.replace(/`[^`]*`|<https?:\/\/[^\s<>]+>/g, ' ').replace(/\\[^\w\s]/g, ' ');
      expect(bare).not.toMatch(/@\w|<!|<\/|\]\(|!\[|www\.|:\/\/|^#+ Owned|#\d/);
      expect(line).not.toMatch(/[\u202E\u200b]/);
    }
    expect(fence).toBe('');
    expect(text.match(/^#+ .*$/gm)?.filter((l) => !l.includes('Owned'))).toEqual(expect.arrayContaining(['## What was asked', '## Result', '## How it ended']));
  });
});

describe('quoting', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('`', '|', '\n', '@', 'a', '\\', '<', '#', '1', '_', ':', '/', '-', ' ', '\u202e') }),
  );

  it('in a code span leaves two backticks, one line and no open pipe', () => {
    fc.assert(
      fc.property(text, (t) => {
        const quoted = code(t);
        if (quoted === '(empty)') return;
        expect(quoted).toMatch(/^`[^`\n]+`$/);
        expect(quoted).not.toContain('|');
      }),
      { seed: 3, numRuns: 2000 },
    );
  });

  it('as running text leaves no mark that means something', () => {
    const signs = /`[^`\n]+`|\\[\\*_[\]<>|~&$#+=-]/g;
    fc.assert(
      fc.property(text, (t) => {
        expect(prose(t).replace(signs, ' ')).not.toMatch(/[\\`*[\]<>|~&$\n]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|@\w|#\d|:\/\/|^[#+=-]/u);
      }),
      { seed: 4, numRuns: 3000 },
    );
    expect(prose('val_f1 0.73 (+3.1 %), see #12 and @ana_b; _so_ *it* is')).toBe('val_f1 0.73 (+3.1 %), see `#12` and `@ana_b`; \\_so\\_ \\*it\\* is');
    expect(prose('started (https://dbc.example/run_1?a=1&b=2), config=base.json@8ba8.')).toBe(
      'started (`https://dbc.example/run_1?a=1&b=2`), `config=base.json@8ba8`.',
    );
  });

  it('in a fence keeps the text to the letter and inside', () => {
    fc.assert(
      fc.property(text, (t) => {
        const [open = '', ...rest] = fenced(t).split('\n');
        const fence = open.replace('text', '');
        expect(rest.at(-1)).toBe(fence);
        expect(rest.slice(0, -1).some((line) => line.includes(fence))).toBe(false);
      }),
      { seed: 5, numRuns: 2000 },
    );
    expect(fenced('a  b\n\tc')).toBe('```text\na  b\n\tc\n```');
  });

  it.each([
    ['https://github.com/acme/ads/pull/7', '<https://github.com/acme/ads/pull/7>'],
    ['http://127.0.0.1:5000/#/experiments/1/runs/ab', '<http://127.0.0.1:5000/#/experiments/1/runs/ab>'],
    ['javascript:alert(1)', '`javascript:alert(1)`'],
    ['https://a.test/x> <b>', '`https://a.test/x> <b>`'],
    ['https://user:pw@evil.test/', '`https://user:pw@evil.test/`'],
  ])('links %s only where it is a plain address', (url, linked) => {
    expect(link(url)).toBe(linked);
  });
});
