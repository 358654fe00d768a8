import fc from 'fast-check';

/** What can happen around a question to people. `on` picks a card among those there are, old ones too. */
export type Op =
  | { do: 'approve' | 'withdraw'; by: string; on: number }
  | { do: 'deny'; by: string; on: number; reason: boolean }
  | { do: 'edit'; by: string; on: number; to: string }
  | { do: 'expire'; on: number }
  /** The last delivery once more, with the same key. */
  | { do: 'again' }
  /** A yes of another session's card, sent to this one. */
  | { do: 'foreign'; by: string }
  | { do: 'tell'; kind: 'message' | 'stop' | 'change'; by: string }
  /** What the call would send changes under it. */
  | { do: 'drift' }
  /** The next claim comes after the approval's time to be used. */
  | { do: 'late' }
  | { do: 'pass'; ms: number }
  /** The worker is gone before or after what it does now. */
  | { do: 'die'; when: 'before' | 'after' }
  /** The worker is frozen here; another takes over; then the first one wakes. */
  | { do: 'freeze' };

export type Schedule = {
  /** What the model asks for, reply by reply. */
  turns: { tool: 'train' | 'propose'; id: string }[][];
  need: number;
  expiresAfterMs: number;
  /** `gap`: how many of the worker's own acts pass before it happens; at rest it happens at once. */
  steps: { gap: number; op: Op }[];
};

const by = fc.constantFrom('U2', 'U3', 'U4');
const on = fc.nat(5);

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 9, arbitrary: fc.record({ do: fc.constant('approve' as const), by, on }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('withdraw' as const), by, on }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deny' as const), by, on, reason: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('edit' as const), by, on, to: fc.constantFrom('x', 'y') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), on }) },
  { weight: 2, arbitrary: fc.constant<Op>({ do: 'again' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('foreign' as const), by }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('tell' as const), kind: fc.constantFrom('message', 'message', 'change', 'stop'), by: fc.constant('U1') }),
  },
  { weight: 1, arbitrary: fc.constant<Op>({ do: 'drift' }) },
  { weight: 1, arbitrary: fc.constant<Op>({ do: 'late' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(2, 6) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('die' as const), when: fc.constantFrom('before' as const, 'after' as const) }) },
  { weight: 2, arbitrary: fc.constant<Op>({ do: 'freeze' }) },
);

const call = fc.record({ tool: fc.constantFrom('train' as const, 'propose' as const), id: fc.constantFrom('a', 'b') });

/** In the middle of the worker's acts, or once it has come to rest. */
const gap = fc.oneof({ weight: 3, arbitrary: fc.nat(7) }, { weight: 2, arbitrary: fc.constant(99) });

/** Every interleaving of people, time, workers and the model that the operations can make. */
export const schedules: fc.Arbitrary<Schedule> = fc.record({
  turns: fc.array(fc.array(call, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
  need: fc.constantFrom(1, 1, 2),
  expiresAfterMs: fc.constantFrom(86_400_000, 86_400_000, 86_400_000, 86_400_000, 5),
  steps: fc.array(fc.record({ gap, op }), { minLength: 2, maxLength: 14 }),
});
