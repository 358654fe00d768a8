import { expect, test } from 'vitest';
import { redisClock } from '../../src/runtime/redis-clock.ts';

/** Redis' clock is 1,000,000 ms ahead of the machine's. Each answer was asked at, stamped at, and came at a time of the machine. */
function after(...answers: [asked: number, stamped: number, came: number][]) {
  let machine = 0;
  const clock = redisClock(() => machine);
  for (const [asked, stamped, came] of answers) {
    machine = came;
    clock.heard(1_000_000 + stamped, asked);
  }
  return { off: clock.now() - 1_000_000 - machine, fresh: clock.isFresh(2_000) };
}

test.each<[string, Parameters<typeof after>, ReturnType<typeof after>]>([
  ['a quick answer is believed', [[0, 1, 2]], { off: -1, fresh: true }],
  [
    'one that was long on its way moves nothing',
    [
      [0, 0, 0],
      [10, 10, 2_010],
    ],
    { off: 0, fresh: false },
  ],
  ['one that was long on its way is all there is, and is asked again', [[0, 0, 2_000]], { off: -2_000, fresh: false }],
  [
    'the next one puts that right',
    [
      [0, 0, 2_000],
      [2_010, 2_011, 2_012],
    ],
    { off: -1, fresh: true },
  ],
  [
    'a clock that was set back, or another server with its own, is followed',
    [
      [0, 0, 0],
      [10, -490, 20],
    ],
    { off: -510, fresh: true },
  ],
  [
    'so is one that was set forward',
    [
      [0, 0, 0],
      [10, 510, 20],
    ],
    { off: 490, fresh: true },
  ],
])('%s', (_what, answers, expected) => {
  expect(after(...answers)).toEqual(expected);
});
