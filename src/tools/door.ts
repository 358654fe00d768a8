import type { Tool } from './define-tool.ts';
import type { GateAnswer } from './gate.ts';

/** Who stands at a door: a person where a token or LABMATE_USER says so, else nobody in particular. */
export type Principal = {
  door: 'stdio' | 'http';
  /** Tells principals of one door apart; no secret. */
  name: string;
  /** The Slack user whose yes it would be. */
  user: string | null;
  scope: 'read' | 'write';
};

/** One call that came in through a door, in no protocol's terms. */
export type DoorCall = {
  tool: Tool;
  input: Record<string, unknown>;
  /** What the client calls itself: "claude-code 2.1". */
  client: string;
  signal: AbortSignal;
  /** Puts a question to the person at the client; absent where the client can't. */
  askHere?: ((message: string) => Promise<'yes' | 'no' | 'nothing'>) | undefined;
};

export type DoorAnswer =
  | GateAnswer
  /** A card is out: the same call again runs once it is approved. */
  | { is: 'asked'; id: string; summary: string; expiresAt: string; text: string }
  /** What the log says came of a call. */
  | { is: 'told'; text: string; failed: boolean; data?: Record<string, unknown> | undefined };

/** A call that goes no further than the door: to a tool that is not there, or with arguments that nobody takes apart. */
export type TurnedAway = { tool: string; input: Record<string, unknown>; client: string; why: string };

/** What becomes of a call from a door. Throws ToolError and UpstreamError as tools do. */
export type AtDoor = (call: DoorCall) => Promise<DoorAnswer>;
