import type { Session } from './state.ts';
import { resultText, WORTH_LEAVING_OUT } from './transcript.ts';

/** Which results the model is no longer shown: those of replies up to `to` (a seq). `results` and `characters`: how much more is left out than before. */
export type Room = { to: number; results: number; characters: number };

/**
 * What to leave out of a transcript that has outgrown the model's window: the oldest results, until half of what can go is gone, so that it is needed rarely. Each time
 * costs the model's cache once; before and after it, requests begin with the bytes of those before them. The last reply's results always stay, as they are what the
 * model has just asked for. Null where nothing is left that could go. Pure.
 */
export function makeRoom(s: Session): Room | null {
  const replies = s.replies.filter((r) => !r.host);
  const sizes = replies.slice(0, -1).flatMap(({ seq, calls }) => {
    if (seq <= (s.omitsTo ?? 0)) return [];
    const texts = calls.flatMap(({ id }) => {
      const status = s.calls.get(id)?.status;
      return status?.is === 'finished' ? [resultText(status.outcome).length + 1_000 * (status.outcome.images?.length ?? 0)] : [];
    });
    const long = texts.filter((length) => length >= WORTH_LEAVING_OUT);
    return long.length > 0 ? [{ seq, results: long.length, characters: long.reduce((sum, n) => sum + n, 0) }] : [];
  });
  const wanted = sizes.reduce((sum, each) => sum + each.characters, 0) / 2;
  let room = null as Room | null;
  for (const { seq, results, characters } of sizes) {
    room = { to: seq, results: (room?.results ?? 0) + results, characters: (room?.characters ?? 0) + characters };
    if (room.characters >= wanted) break;
  }
  return room;
}

/**
 * The calls whose pictures are to be left out when the model's service refuses one: those it is shown for the first time, as it took the others before; if there are
 * none, all. Null where no picture is shown. Pure.
 */
export function withoutPictures(s: Session): string[] | null {
  const shown = s.replies
    .filter((r) => !r.host && r.seq > (s.omitsTo ?? 0))
    .map(({ calls }) => calls.map((c) => c.id).filter((id) => showsPicture(s, id) && !s.omitsPictures?.includes(id)));
  const newest = shown.at(-1) ?? [];
  const all = shown.flat();
  return newest.length > 0 ? newest : all.length > 0 ? all : null;
}

function showsPicture(s: Session, id: string): boolean {
  const status = s.calls.get(id)?.status;
  return status?.is === 'finished' && (status.outcome.images?.length ?? 0) > 0;
}
