import type { Act, Behind, Chaos, Fault, SessionRecord, Snapshot, Traffic } from '../../control-types.ts';

/** The page's side of the control API. Failures are thrown with a sentence for the person at the page. */

export type Acted = { ok: boolean; error?: string; ts?: string; response?: string };

export async function fetchSnapshot(): Promise<Snapshot> {
  return (await ask('/control/state')) as Snapshot;
}

export async function fetchTraffic(since: number): Promise<Traffic[]> {
  return (await ask(`/control/traffic?since=${since}`)) as Traffic[];
}

export async function act(what: Act): Promise<Acted> {
  return (await ask('/control/act', what)) as Acted;
}

/** Makes a stand-in misbehave; null heals them all. */
export async function fault(what: Fault | null): Promise<void> {
  await ask('/control/fault', what);
}

/** Does what no stand-in can: kills a process, moves time, ends an approval. Answers what happened. */
export async function chaos(what: Chaos): Promise<string> {
  return ((await ask('/control/chaos', what)) as { said: string }).said;
}

export async function fetchBehind(): Promise<Behind> {
  return (await ask('/control/sessions')) as Behind;
}

export async function fetchRecord(session: string): Promise<SessionRecord> {
  return (await ask(`/control/record?session=${encodeURIComponent(session)}`)) as SessionRecord;
}

export type SavedStory = { name: string; file: string; text: string };

/** Keeps a thread as a test. */
export async function saveStory(channel: string, thread: string): Promise<SavedStory> {
  return (await ask('/control/story', { channel, thread })) as SavedStory;
}

export async function reset(): Promise<void> {
  await ask('/control/reset', {});
}

/** Calls `changed` whenever there may be something new, also after the connection was away. The browser reconnects by itself. */
export function listen(changed: () => void, connected: (yes: boolean) => void): () => void {
  const events = new EventSource('/control/events');
  events.onopen = () => {
    connected(true);
    changed();
  };
  events.onmessage = changed;
  events.addEventListener('version', changed);
  events.onerror = () => connected(false);
  return () => events.close();
}

async function ask(path: string, body?: unknown): Promise<unknown> {
  const init = body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(path, init).catch((cause: unknown) => {
    throw new Error('The sandbox does not answer. Is `npm run sandbox` still running?', { cause });
  });
  const json: unknown = await answer.json().catch(() => null);
  if (answer.ok) return json;
  const said = (json as { error?: unknown } | null)?.error;
  throw new Error(typeof said === 'string' ? said : `The sandbox answered ${answer.status} to ${path}.`);
}
