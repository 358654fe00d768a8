import type { Chaos, Fault } from '../../control-types.ts';

/** What one may do to the real processes, and what should happen then. */
export const DEEDS: { id: string; title: string; expect: string; deed: Chaos }[] = [
  {
    id: 'kill-worker',
    title: 'Kill the worker',
    expect: 'kill -9, in the middle of whatever it does. Another one takes the sessions up within seconds, and does nothing twice.',
    deed: { do: 'kill', role: 'worker' },
  },
  {
    id: 'kill-gateway',
    title: 'Kill the gateway',
    expect: 'kill -9. Commands fail until it is back, as in Slack; events are delivered again, and threads are brought up to date.',
    deed: { do: 'kill', role: 'gateway' },
  },
  {
    id: 'skip',
    title: 'Skip two hours',
    expect: 'Redis, labmate and every stand-in wake up two hours later: trainings have ended, deadlines have passed, waits are over.',
    deed: { do: 'skip', hours: 2 },
  },
];

/** What one may break of the stand-ins from the page, and what should happen then. */
export const FAULTS: { id: string; title: string; expect: string; fault: Fault }[] = [
  {
    id: 'drop-socket',
    title: 'Drop the socket',
    expect: "Slack's connection is cut. labmate reconnects; what happened meanwhile is delivered again and has one effect.",
    fault: { target: 'slack', kind: 'drop-socket' },
  },
  {
    id: 'slack-429',
    title: 'Slack: 429 three times',
    expect: 'New messages are refused with “try again in 2 s”. The thread lags behind, then shows everything, once.',
    fault: { target: 'slack', kind: 'rate-limit', method: 'chat.postMessage', times: 3, ms: 2000 },
  },
  {
    id: 'slack-lost-reply',
    title: "Lose Slack's reply",
    expect: 'The next message is posted, but labmate never hears so. It looks for it before posting again: still one message.',
    fault: { target: 'slack', kind: 'lost-reply', method: 'chat.postMessage', times: 1 },
  },
  {
    id: 'redeliver',
    title: 'Deliver everything twice',
    expect: 'Slack sends the next three deliveries again. Each has one effect.',
    fault: { target: 'slack', kind: 'redeliver', times: 3 },
  },
  {
    id: 'databricks-500',
    title: 'Databricks: 500 three times',
    expect: 'The thread says what happened, the wait is stored, and it goes on by itself.',
    fault: { target: 'databricks', kind: 'status', status: 500, times: 3 },
  },
  {
    id: 'run-now-lost',
    title: "Lose run-now's reply",
    expect: 'The job starts, but the answer never comes. labmate asks again with the same token: one run, not two.',
    fault: { target: 'databricks', kind: 'lost-reply', path: 'run-now', times: 1 },
  },
  {
    id: 'model-slow',
    title: 'A slow model',
    expect: 'The next two turns take eight seconds each. The thread says that it thinks; a stop acts at once all the same.',
    fault: { target: 'claude', kind: 'slow', ms: 8000, times: 2 },
  },
  {
    id: 'slow-model',
    title: 'A model that hangs',
    expect: 'The next model turn gets no answer. It is given up and asked again; nothing that was recorded is asked twice.',
    fault: { target: 'claude', kind: 'hang', times: 1 },
  },
  {
    id: 'model-529',
    title: 'The model is overloaded',
    expect: 'Two turns are answered 529, try again in 3 s. The wait is stored, no worker is held.',
    fault: { target: 'claude', kind: 'status', status: 529, retryAfterS: 3, times: 2 },
  },
];
