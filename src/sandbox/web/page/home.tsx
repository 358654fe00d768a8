import { Blocks } from '../blocks/block.tsx';
import { list, record, string } from '../blocks/json.ts';
import { SurfaceProvider } from '../blocks/surface.ts';
import { surfaceOf, usePage } from './page-context.ts';

/** labmate's App Home as this person sees it. */
export function Home({ onMenu }: { onMenu: () => void }) {
  const page = usePage();
  const view = record(page.snapshot.homes[page.me.id]);
  const blocks = list(view.blocks);
  return (
    <main class="channel" data-testid="home">
      <header class="pane-head">
        <button type="button" class="icon-button only-narrow" aria-label="Channels and people" onClick={onMenu}>
          ☰
        </button>
        <h1 class="pane-title">labmate · Home</h1>
      </header>
      <div class="scroller">
        <div class="home">
          {blocks.length === 0 ? (
            <p class="empty">labmate has put nothing on {page.me.realName}'s Home yet.</p>
          ) : (
            <SurfaceProvider value={surfaceOf(page, { channel: '', ts: '', view: string(view.id) })}>
              <Blocks blocks={blocks} />
            </SurfaceProvider>
          )}
        </div>
      </div>
    </main>
  );
}
