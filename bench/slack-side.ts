import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';

/** Slack's side of the wire: signed requests over kept connections. */
export const SIGNING_SECRET = 'bench-signing-secret';

const agent = new Agent({ keepAlive: true, maxSockets: 256 });
let counter = 0;

/** Ms until the answer is there. Throws where it is not 200. A kept connection that the server has closed meanwhile is opened anew, and timed anew. */
export async function deliver(port: number, form: Record<string, string>): Promise<number> {
  return (await attempt(port, form)) ?? (await attempt(port, form)) ?? Number.NaN;
}

function attempt(port: number, form: Record<string, string>): Promise<number | null> {
  const body = new URLSearchParams(form).toString();
  const at = String(Math.floor(Date.now() / 1_000));
  const signature = `v0=${createHmac('sha256', SIGNING_SECRET).update(`v0:${at}:${body}`).digest('hex')}`;
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': Buffer.byteLength(body),
    'x-slack-request-timestamp': at,
    'x-slack-signature': signature,
  };
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: '/slack/events', method: 'POST', headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - began);
        else reject(new Error(`a delivery was answered ${response.statusCode}: ${text.slice(0, 200)}`));
      });
    });
    sent.on('error', (error) => (sent.reusedSocket ? resolve(null) : reject(error)));
    sent.end(body);
  });
}

/** `/experiment` with a prompt. */
export function command(prompt: string): Record<string, string> {
  return {
    token: 'bench',
    team_id: 'T1',
    team_domain: 'bench',
    channel_id: 'C0ML',
    channel_name: 'ml-experiments',
    user_id: 'U1',
    user_name: 'ann',
    command: '/experiment',
    text: prompt,
    api_app_id: 'A1',
    response_url: 'http://127.0.0.1:9/response',
    trigger_id: `${Date.now()}.${++counter}`,
  };
}

/** A click on the card of a call. */
export function click(approval: string, by: string): Record<string, string> {
  const ts = `${Math.floor(Date.now() / 1_000)}.${String(++counter).padStart(6, '0')}`;
  const payload = {
    type: 'block_actions',
    token: 'bench',
    api_app_id: 'A1',
    trigger_id: ts,
    team: { id: 'T1', domain: 'bench' },
    user: { id: by, username: 'sam', name: 'sam', team_id: 'T1' },
    channel: { id: 'C0ML', name: 'ml-experiments' },
    container: { type: 'message', message_ts: '1700000000.000001', channel_id: 'C0ML', thread_ts: '1700000000.000000', is_ephemeral: false },
    message: { type: 'message', ts: '1700000000.000001', thread_ts: '1700000000.000000', text: 'card' },
    actions: [{ type: 'button', block_id: 'b', action_id: 'approve_call', action_ts: ts, value: approval, text: { type: 'plain_text', text: 'Approve' } }],
  };
  return { payload: JSON.stringify(payload) };
}
