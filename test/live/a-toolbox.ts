import { openToolbox } from '../../src/agent/toolbox.ts';
import type { EventOf } from '../../src/session/events.ts';
import { toolsFor } from '../../src/tools/catalog.ts';
import type { Services, SessionFacts, ToolSettings } from '../../src/tools/define-tool.ts';
import type { CallScope } from '../../src/tools/gate.ts';
import { HOST, type HostNote } from '../../src/tools/present.ts';
import { opened, recordOf } from '../session/logs.ts';

const settings: ToolSettings = {
  defaults: { experiment: 'ads-rank-v3', repository: 'acme/ads', base: 'main' },
  metrics: { val_f1: 'max', val_loss: 'min' },
  thresholdReading: 'relative',
  recordsPath: 'experiments',
  environments: {},
};
const permissions = {
  approvers: { default: { users: ['U2'], groups: [], quorum: 1, requesterMayApprove: false, expiresAfterMs: 3_600_000, channel: null } },
  executionExpiresAfterMs: 900_000,
  environments: {},
  actIn: [],
  allow: { experiments: ['*'], dashboards: ['*'], channels: [], branches: ['*'], paths: ['*'] },
  repositories: ['acme/ads'],
  policy: { default: 'ask' as const, rules: [] },
};

export type Answer = {
  text: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers are read by their paths, and each path is then held to a value.
  data: Record<string, any>;
  failed: boolean;
  images: { data: string; mimeType: string }[];
};

/** What the record says before the call. */
const record = recordOf([opened('Run a training job with feature_set=v2')]);

/** Every tool whose backend is there, behind the real gate, called by a real MCP client. `yes` is what a person answers to a card; `starts` is what was claimed. */
export async function aToolbox(services: Services, yes = true) {
  const starts: EventOf<'call_started'>[] = [];
  const toolbox = await openToolbox(toolsFor(services), { services, settings, permissions, now: Date.now });
  let calls = 0;

  async function once(name: string, input: Record<string, unknown>, call: string, approved?: CallScope['approved']) {
    const facts: SessionFacts = {
      id: 's-live',
      alias: 'e-7k2f',
      team: 'T1',
      channel: 'C0ML',
      thread: null,
      requester: 'U1',
      prompt: 'Run a training job with feature_set=v2',
      call,
      runs: [],
      woken: [],
      approvedBy: approved?.by ?? [],
      record,
      postsOutside: 0,
      links: () => new Map(),
    };
    const scope: CallScope = {
      facts,
      standing: { tainted: false, postsOutside: 0 },
      approved,
      signal: new AbortController().signal,
      mayAct: async () => true,
      claim: async (start) => {
        starts.push(start);
        return 'go';
      },
      stillEntitled: async () => ({ ok: true }),
    };
    const answer = await toolbox.call(name, input, scope);
    return { answer, note: answer._meta?.[HOST] as HostNote | undefined };
  }

  return {
    names: (await toolbox.specs()).map((spec) => spec.name),
    starts,
    close: toolbox.close,
    async call(name: string, input: Record<string, unknown>): Promise<Answer & { asked: boolean }> {
      const call = `c${++calls}`;
      let { answer, note } = await once(name, input, call);
      const asked = note?.kind === 'confirm';
      if (note?.kind === 'confirm' && yes) answer = (await once(name, input, call, { id: `a-${call}`, digest: note.confirmation.digest, by: ['U2'] })).answer;
      const text = answer.content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
      const images = answer.content.flatMap((part) => (part.type === 'image' ? [{ data: part.data, mimeType: part.mimeType }] : []));
      return { text, data: answer.structuredContent ?? {}, failed: answer.isError === true, images, asked };
    },
  };
}
