/** The sandbox's control API: one JSON interface for the page, the scenarios, the tests and CI. */

export type SandboxUser = {
  id: string;
  name: string;
  realName: string;
  role: 'requester' | 'approver' | 'second approver' | 'outsider' | 'guest' | 'bot';
  guest: boolean;
  deleted: boolean;
};
export type SandboxChannel = {
  id: string;
  name: string;
  im?: string;
  archived?: boolean;
  /** The app was removed from it. */
  left?: boolean;
};

export type SandboxMessage = {
  channel: string;
  ts: string;
  threadTs: string | null;
  user: string;
  bot: boolean;
  text: string;
  blocks: unknown[];
  /** Only these people see it (ephemeral). */
  onlyFor: string | null;
  edited: boolean;
  files: { name: string; title: string; alt: string; mimetype: string; url: string }[];
  metadata: unknown;
};

export type SandboxModal = { id: string; user: string; view: unknown; errors: Record<string, string> };

/** GET /control/state */
export type Snapshot = {
  version: number;
  team: string;
  bot: string;
  users: SandboxUser[];
  channels: SandboxChannel[];
  messages: SandboxMessage[];
  modals: SandboxModal[];
  homes: Record<string, unknown>;
  /** User groups, so that a mention of one can be shown by its name. */
  groups?: { id: string; handle: string; users: string[] }[];
  /** How far the app says it is in a thread, and what it offers to say in a conversation with it. */
  statuses?: { channel: string; threadTs: string | null; status: string; title: string | null }[];
  prompts?: { channel: string; threadTs: string | null; title: string | null; prompts: { title: string; message: string }[] }[];
  banner: string;
  simulated: { name: string; by: string }[];
};

/** POST /control/act: a person does something. Answers {ok, error?, ts?}. */
export type Act =
  | { as: string; do: 'command'; command: string; text: string; channel: string }
  | { as: string; do: 'say'; text: string; channel: string; thread?: string | undefined }
  | {
      as: string;
      do: 'click';
      channel: string;
      ts: string;
      actionId: string;
      /** A button's value where several share an action id; else the chosen option's value. */
      value?: string | undefined;
      /** The id of a modal or a Home view, for what stands there and not in a message. */
      view?: string | undefined;
    }
  | {
      as: string;
      do: 'submit';
      modal: string /** block_id -> action_id -> state value, as in view.state.values */;
      values: Record<string, Record<string, unknown>>;
    }
  | { as: string; do: 'close'; modal: string }
  | { as: string; do: 'shortcut'; callbackId: string; channel?: string | undefined; ts?: string | undefined }
  /** Opens the app: its Home, or the conversation with it. */
  | { as: string; do: 'home'; tab?: 'home' | 'messages' | undefined }
  /** Changes or takes back a message of one's own; an admin takes back anybody's. */
  | { as: string; do: 'edit'; channel: string; ts: string; text: string }
  | { as: string; do: 'delete'; channel: string; ts: string }
  /** Slack's own stop button, which a thread shows while the app says that it is at work there. */
  | { as: string; do: 'stop'; channel: string; thread: string };

/** POST /control/fault: how a stand-in misbehaves from now on; `null` heals it. */
export type Fault =
  | {
      target: 'slack';
      kind: 'rate-limit' | 'error-500' | 'lost-reply' | 'slow' | 'unknown-method' | 'drop-socket' | 'refresh' | 'redeliver';
      method?: string | undefined;
      channel?: string | undefined;
      times?: number | undefined;
      /** `redeliver`: how often each arrives again; once where it is left out. */
      copies?: number | undefined;
      ms?: number | undefined;
    }
  | { target: 'claude'; kind: 'status'; status: number; retryAfterS?: number | undefined; times?: number | undefined; call?: number | undefined }
  | {
      target: 'claude';
      kind: 'hang' | 'cut' | 'malformed' | 'refusal' | 'max-tokens' | 'error-event' | 'bad-input' | 'empty' | 'pause-turn' | 'context-exceeded' | 'slow';
      times?: number | undefined;
      /** Only this request to the Messages API, counted from 1. */
      call?: number | undefined;
      /** `cut` and `hang`: after so many bytes of the answer. */
      bytes?: number | undefined;
      /** `refusal`: its category; `error-event`: its type. */
      category?: string | undefined;
      ms?: number | undefined;
    }
  | {
      target: 'databricks' | 'mlflow' | 'grafana' | 'github';
      kind: 'status' | 'html' | 'lost-reply' | 'slow' | 'empty';
      status?: number | undefined;
      path?: string | undefined;
      times?: number | undefined;
      ms?: number | undefined;
    };

/** GET /control/traffic?since=N: every request, envelope and ack, newest last. */
export type Traffic = {
  n: number;
  at: number;
  with: 'slack' | 'claude' | 'databricks' | 'mlflow' | 'grafana' | 'github';
  direction: 'in' | 'out';
  what: string;
  body: unknown;
  answer?: unknown;
  status?: number;
  ms?: number;
  /** The service's own id of this exchange, as the product's record names it. */
  id?: string;
};

/** GET /control/sessions: what labmate remembers, newest first. */
export type Behind = { sessions: SessionLook[] /** Why time cannot be skipped here; null where it can. */; cannotSkip: string | null };

export type SessionLook = {
  id: string;
  alias: string;
  by: string;
  prompt: string;
  /** One word or two: working, training, waiting for approval, … */
  state: string;
  openedAt: string;
  channel: string;
  thread: string | null;
  lines: number;
  ended: boolean;
  approvals: ApprovalLook[];
};

export type ApprovalLook = {
  id: string;
  tool: string;
  summary: string;
  digest: string;
  need: number;
  votes: string[];
  state: string;
  /** Somebody can still decide it. */
  open: boolean;
  expiresAt: string;
  by: string | null;
  reason: string | null;
};

/** GET /control/record?session=ID: the exact lines of a session's log. `holds`: null where the chain does, else where it breaks. */
export type SessionRecord = { lines: string[]; head: string; holds: string | null; ended: boolean };

/** POST /control/chaos: what no stand-in can do. */
export type Chaos = { do: 'kill'; role: 'gateway' | 'worker' } | { do: 'skip'; hours: number } | { do: 'expire'; approval: string };
