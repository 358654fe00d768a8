import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCommand } from '../../src/slack/parse-command.ts';

const seed = `Run a training job using config base_config.json but with feature_set=v2.
Wait for it to complete. Compare its val_f1 to the best run in experiment "ads-rank-v3".`;
const prompt = (text: string) => ({ is: 'prompt', prompt: text });
/** A prompt that whoever wrote it may have meant as a subcommand. */
const near = (subcommand: string, text: string) => ({ ...prompt(text), near: subcommand });
const alias = (a: string) => ({ of: 'alias', alias: a });
const run = (id: string) => ({ of: 'run', run: id });

const table: [string, unknown][] = [
  [seed, prompt(seed)],
  ['', { is: 'empty' }],
  ['  \n ', { is: 'empty' }],
  ['<@UBOT>', { is: 'empty' }],
  ['<@UBOT|labmate> list', { is: 'list' }],
  ['<@UBOT>: train it', prompt('train it')],
  ['<@UOTHER> list', prompt('<@UOTHER> list')],
  ['status', { is: 'status' }],
  ['status of my runs', prompt('status of my runs')],
  ['list', { is: 'list' }],
  ['list all jobs', prompt('list all jobs')],
  ['List', { is: 'suggestion', word: 'List', subcommand: 'list' }],
  ['LIST the runs', prompt('LIST the runs')],
  ['lsit', { is: 'suggestion', word: 'lsit', subcommand: 'list' }],
  ['stauts', { is: 'suggestion', word: 'stauts', subcommand: 'status' }],
  ['show', { is: 'suggestion', word: 'show', subcommand: 'show' }],
  ['help?', { is: 'suggestion', word: 'help?', subcommand: 'help' }],
  ['ablation', prompt('ablation')],
  ['show e-7k2f', { is: 'show', id: alias('e-7k2f') }],
  ['Show e-7k2f', prompt('Show e-7k2f')],
  ['show me the best run', prompt('show me the best run')],
  ['stop e-7k2f now', near('stop', 'stop e-7k2f now')],
  ['stop the training', near('stop', 'stop the training')],
  ['stop it as soon as val_f1 drops below 0.6', prompt('stop it as soon as val_f1 drops below 0.6')],
  ['stop e-7k2f', { is: 'stop', id: alias('e-7k2f') }],
  ['record https://acme.slack.com/archives/C0ML/p1700000000000100', { is: 'record', id: { of: 'thread', channel: 'C0ML', ts: '1700000000.000100' } }],
  [
    'show <https://acme.slack.com/archives/C0ML/p1700000000000200?thread_ts=1700000000.000100&amp;cid=C0ML>',
    { is: 'show', id: { of: 'thread', channel: 'C0ML', ts: '1700000000.000100' } },
  ],
  ['rerun e-7k2f lr=0.01 feature_set=v3', { is: 'rerun', id: alias('e-7k2f'), changes: { lr: '0.01', feature_set: 'v3' } }],
  ['rerun e-7k2f with more data', near('rerun', 'rerun e-7k2f with more data')],
  ['rerun e-7k2f', { is: 'rerun', id: alias('e-7k2f'), changes: {} }],
  ['rerun e-7k2f lr=', near('rerun', 'rerun e-7k2f lr=')],
  ['rerun e-7k2f lr=0.01 and more', near('rerun', 'rerun e-7k2f lr=0.01 and more')],
  ['rerun e-7k2f url=a=b', { is: 'rerun', id: alias('e-7k2f'), changes: { url: 'a=b' } }],
  ['rerun it with lr=0.01', prompt('rerun it with lr=0.01')],
  ['rerun', { is: 'suggestion', word: 'rerun', subcommand: 'rerun' }],
  ['compare e-7k2f 8123456789012345678', { is: 'compare', a: alias('e-7k2f'), b: { of: 'run', run: '8123456789012345678' } }],
  ['compare runs please', prompt('compare runs please')],
  ['compare e-7k2f e-8m3g', { is: 'compare', a: alias('e-7k2f'), b: alias('e-8m3g') }],
  ['compare e-7k2f', near('compare', 'compare e-7k2f')],
  ['compare e-7k2f with e-8m3g', near('compare', 'compare e-7k2f with e-8m3g')],
  [
    'compare <http://mlflow.acme.dev/#/experiments/1/runs/0123456789abcdef0123456789abcdef> https://dbc.acme.dev/?o=7#job/101/run/8123456789012345678',
    { is: 'compare', a: run('0123456789abcdef0123456789abcdef'), b: run('8123456789012345678') },
  ],
  ['show https://dbc.acme.dev/jobs/101/runs/8123456789012345678?o=7', { is: 'show', id: run('8123456789012345678') }],
  ['show https://acme.dev/blog/running', prompt('show https://acme.dev/blog/running')],
  ['Compare e-7k2f e-8m3g', prompt('Compare e-7k2f e-8m3g')],
  ['best ads-rank-v3 val_f1', { is: 'best', experiment: 'ads-rank-v3', metric: 'val_f1' }],
  ['best run please', near('best', 'best run please')],
  ['best "ads-rank-v3" val_f1', { is: 'best', experiment: 'ads-rank-v3', metric: 'val_f1' }],
  ['best ads-rank-v3 val_f1 please', prompt('best ads-rank-v3 val_f1 please')],
  ['best ads-rank-v4 val_f1', near('best', 'best ads-rank-v4 val_f1')],
  ['best ads-rank-v3', near('best', 'best ads-rank-v3')],
  ['find feature set v2 ablation', { is: 'find', words: 'feature set v2 ablation', phrase: false }],
  ['find feature_set=v2', { is: 'find', words: 'feature_set=v2', phrase: false }],
  ['find <@U2|sam> improved', { is: 'find', words: '<@U2|sam> improved', phrase: false }],
  ['find "an open quote', near('find', 'find "an open quote')],
  ['find', { is: 'suggestion', word: 'find', subcommand: 'find' }],
  ['find a better learning rate now', near('find', 'find a better learning rate now')],
  ['find "feature set v2 ablation of june"', { is: 'find', words: 'feature set v2 ablation of june', phrase: true }],
  ['find “feature set v2”', { is: 'find', words: 'feature set v2', phrase: true }],
  ['approvals', { is: 'approvals' }],
  ['help', { is: 'help' }],
  ['if val_f1 &gt; 0.6 &amp;&amp; loss &lt; 1, open a PR &amp;lt;', prompt('if val_f1 > 0.6 && loss < 1, open a PR &lt;')],
  ['constructor', prompt('constructor')],
  ['  keep   my\tblanks ', prompt('  keep   my\tblanks ')],
];

describe('what is typed after /experiment', () => {
  test.each(table)('%j', (text, expected) => {
    expect(parseCommand(text, { bot: 'UBOT', isExperiment: (name) => name === 'ads-rank-v3' })).toEqual(expected);
  });

  test('best is a prompt where nobody can say whether the experiment exists', () => {
    expect(parseCommand('best ads-rank-v3 val_f1')).toEqual(near('best', 'best ads-rank-v3 val_f1'));
  });

  test('40,000 characters and any other text are read without a fault, and a prompt keeps every character', () => {
    expect(parseCommand('x '.repeat(20_000))).toEqual(prompt('x '.repeat(20_000)));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const typed = parseCommand(text);
        if (typed.is === 'prompt' && !text.includes('&')) expect(typed.prompt).toBe(text);
      }),
    );
  });
});
