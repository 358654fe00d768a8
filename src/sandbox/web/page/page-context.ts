import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Act, SandboxMessage, SandboxUser, Snapshot } from '../../control-types.ts';
import type { Surface } from '../blocks/surface.ts';
import type { Acted } from '../data/client.ts';
import { formatPlace, type Place } from '../data/place.ts';
import { messageAt } from '../data/selection.ts';

/** What most parts of the page need: the snapshot, who one is, where, and the few things one can do from anywhere. */
export type Page = {
  snapshot: Snapshot;
  me: SandboxUser;
  place: Place;
  go(change: Partial<Place>): void;
  user(id: string): SandboxUser | undefined;
  click(where: { channel: string; ts: string; view?: string }, actionId: string, value: string | undefined): Promise<Acted>;
  /** Does anything else that a person can do in Slack; what goes wrong is said. */
  perform(what: Act): Promise<Acted>;
  /** Shows the requests that made or changed a message. */
  inspect(message: SandboxMessage): void;
};

const PageContext = createContext<Page | null>(null);

export const PageProvider = PageContext.Provider;

export function usePage(): Page {
  const page = useContext(PageContext);
  if (!page) throw new Error('usePage outside of PageProvider');
  return page;
}

/** How blocks see the page: names for ids, and clicks that go to `where`. */
export function surfaceOf(page: Page, where: { channel: string; ts: string; view?: string }): Surface {
  const { snapshot, me } = page;
  return {
    me: me.id,
    user: (id) => page.user(id)?.realName ?? null,
    channel: (id) => snapshot.channels.find((channel) => channel.id === id)?.name ?? null,
    group: (id) => {
      const group = snapshot.groups?.find((each) => each.id === id);
      return group ? { handle: group.handle, mine: group.users.includes(me.id) } : null;
    },
    permalink: (url) => {
      const message = messageAt(snapshot, url, me.id);
      return message && formatPlace({ as: me.id, channel: message.channel, thread: message.threadTs ?? message.ts, drawer: null });
    },
    people: snapshot.users.filter((user) => user.role !== 'bot').map((user) => ({ id: user.id, name: user.realName })),
    channels: snapshot.channels.filter((channel) => !channel.im).map((channel) => ({ id: channel.id, name: channel.name })),
    act: (actionId, value) => void page.click(where, actionId, value),
  };
}
