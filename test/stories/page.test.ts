import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ablationPrompt } from '../../src/sandbox/scenarios/ablation-prompt.ts';

/** A browser of the system; without one this story is skipped. `npm test` downloads none. */
const BROWSER = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));

/** What a person does at the page, in a real browser, with the real gateway, worker and Redis behind it. */
describe.skipIf(BROWSER === undefined)('the page', () => {
  let sandbox: ChildProcess;
  let browser: Browser;
  let page: Page;
  const errors: string[] = [];
  const play = async (file: string) => {
    const { REDIS_URL: _, ...env } = process.env;
    const child = spawn(process.execPath, ['bin/labmate.mjs', 'sandbox', '--headless', '--scenario', file, '--training-seconds', '3'], { env });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (out += String(bytes)));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, out };
  };

  beforeAll(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'labmate-page-'));
    const { REDIS_URL: _, ...env } = process.env;
    sandbox = spawn(process.execPath, ['bin/labmate.mjs', 'sandbox', '--port', '0', '--training-seconds', '3', '--dir', dir], { env });
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      // The address alone is on stdout; what went wrong is said beside it.
      sandbox.stdout?.on('data', (bytes) => resolve(String(bytes).trim()));
      sandbox.stderr?.on('data', (bytes) => {
        said += String(bytes);
      });
      sandbox.once('close', () => reject(new Error(said)));
    });
    const quiet = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ];
    browser = await chromium.launch({ executablePath: BROWSER ?? '', args: quiet });
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(url);
  });
  afterAll(async () => {
    await browser?.close();
    if (sandbox && sandbox.exitCode === null) {
      sandbox.kill('SIGINT');
      await new Promise((resolve) => sandbox.once('close', resolve));
    }
  });

  const be = (user: string) => page.click(`[data-testid="identity"][data-user="${user}"]`);
  const approve = (words: string) =>
    page
      .locator('[data-testid="thread"] [data-testid="message"]', { hasText: new RegExp(words) })
      .locator('[data-action-id="approve_call"]')
      .click({ timeout: 20_000 });

  /** The whole ablation, from Priya's command to the record. */
  const walk = async () => {
    await be('U1');
    await page.fill('[data-testid="composer-channel"]', `/experiment ${ablationPrompt()}`);
    await page.press('[data-testid="composer-channel"]', 'Enter');
    // The page opens what a command started.
    await page.locator('[data-testid="thread"]').waitFor({ timeout: 20_000 });

    await be('U2');
    await approve('Run job 101');
    await page.locator('[data-testid="thread"]', { hasText: 'Improved: val_f1' }).waitFor({ timeout: 30_000 });
    await approve('Open a pull request');
    await page.locator('[data-testid="thread"]', { hasText: /record: \d+ lines, head [0-9a-f]{8}/ }).waitFor({ timeout: 30_000 });

    // The last word may stand there before the plan and the card above it are edited for the last time.
    await page.locator('[data-testid="thread"]', { hasText: /e-\w+: Done/ }).waitFor({ timeout: 20_000 });
    await expect
      .poll(() => page.locator('[data-testid="thread"] [data-testid="message"]', { hasText: /Approved by @?Sam/ }).count(), { timeout: 20_000 })
      .toBe(2);
  };
  let walked: Promise<void> | undefined;
  /** Whichever test needs it first walks it; the next ones find its thread as it was left. */
  const ablation = () => (walked ??= walk());

  it('lets Priya ask, Sam approve, and shows the verdict and the pull request', async () => {
    expect(await page.textContent('[data-testid="banner"]')).toMatch(/not Claude/);
    await ablation();
    const thread = (await page.textContent('[data-testid="thread"]')) ?? '';
    expect(thread).toContain('+3.03');
    expect(thread).toMatch(/Approved by @?Sam/);
    expect(errors).toEqual([]);
  });

  const drawer = (name: string) => page.click(`[data-testid="tab-${name}"]`);
  const say = async (text: string) => {
    await page.fill('[data-testid="composer-channel"]', text);
    await page.press('[data-testid="composer-channel"]', 'Enter');
  };

  /** Somebody else begins an experiment, which this page does not open. */
  const somebodyAsks = async (text: string) => {
    await page.evaluate(
      (act) => fetch('/control/act', { method: 'POST', headers: { 'content-type': 'application/json' }, body: act }),
      JSON.stringify({ as: 'U2', do: 'command', command: '/experiment', text, channel: 'C0ML' }),
    );
    await page.locator('[data-testid="messages"] [data-testid="message"]', { hasText: text }).locator('[data-testid="thread-summary"]').waitFor();
  };

  it('shows the log behind the thread, that its chain holds, the questions, and what the model saw', async () => {
    await ablation();
    await drawer('sessions');
    await page.locator('[data-testid="chain"]', { hasText: /\d+ lines, chain holds/ }).waitFor();
    expect(await page.locator('[data-testid="event"]').first().getAttribute('data-type')).toBe('opened');
    expect(await page.locator('[data-testid="event"]').last().getAttribute('data-type')).toBe('ended');
    await page.locator('[data-testid="event"][data-type="replied"] button').first().click();
    await page.click('[data-testid="model-saw"]');
    const seen = (await page.textContent('[data-testid="model-view"]')) ?? '';
    expect(seen).toContain('run_databricks_job');
    expect(seen).toContain('feature_set=v2');
    await page.click('[data-testid="view-approvals"]');
    expect(await page.locator('[data-testid="approval"][data-state="used"]').count()).toBe(2);
  });

  it('shows the requests behind one message, each as raw JSON', async () => {
    await ablation();
    await page.locator('[data-testid="thread"] [data-testid="message"]').last().hover();
    await page.locator('[data-testid="thread"] [data-testid="message-traffic"]').last().click();
    await page.locator('[data-testid="filter-message"]').waitFor();
    const rows = page.locator('[data-testid="traffic-row"]');
    await rows.first().waitFor();
    await rows.last().locator('summary').click();
    await expect.poll(() => rows.last().textContent()).toMatch(/"channel": "C0ML"/);
    await page.keyboard.press('Escape');
  });

  /** The story of the ablation, as the page keeps it. */
  const keep = async () => {
    await ablation();
    await page.click('[data-testid="save-story"]');
    const story = JSON.parse(decodeURIComponent(((await page.getAttribute('[data-testid="story-download"]', 'href')) ?? '').replace(/^[^,]*,/, '')));
    // In a sandbox of its own, while the page goes on; a later test looks at how it came out.
    const file = join(mkdtempSync(join(tmpdir(), 'labmate-story-')), 'story.json');
    writeFileSync(file, JSON.stringify(story));
    const all = {
      story,
      command: await page.textContent('[data-testid="story-command"]'),
      others: await page.locator('[data-testid="story-others"]').count(),
      replayed: play(file),
    };
    await page.click('[data-testid="story-done"]');
    return all;
  };
  let keeping: ReturnType<typeof keep> | undefined;
  const kept = () => (keeping ??= keep());

  it('keeps the thread as a test: who did what, and how it came out', async () => {
    const { story, command, others } = await kept();
    expect(command).toContain('--headless --scenario');
    expect(others).toBe(0);
    expect(story.acts.map((a: { do: string; as: string }) => `${a.as} ${a.do}`)).toEqual(['U1 command', 'U2 click', 'U2 click']);
    expect(story.thread.at(-1).words).toContain('record: … lines');
  });

  it("shows one's own command and its answer also to somebody who has scrolled up, and points to what others write", async () => {
    await be('U1');
    await say(Array.from({ length: 60 }, (_, i) => `line ${i}`).join('\n'));
    const list = page.locator('[data-testid="messages"]');
    const below = () => list.evaluate((box) => box.scrollHeight - box.clientHeight - box.scrollTop);
    await list.locator('[data-testid="message"]', { hasText: 'line 59' }).waitFor();
    await expect.poll(below).toBeLessThan(5);
    await list.evaluate((box) => box.scrollTo(0, 0));
    await expect.poll(below).toBeGreaterThan(200);
    await say('/experiment status');
    await expect.poll(() => list.locator('[data-testid="message"]').last().textContent()).toMatch(/Only visible to you/);
    await expect.poll(below).toBeLessThan(5);
    await list.evaluate((box) => box.scrollTo(0, 0));
    await expect.poll(below).toBeGreaterThan(200);
    await page.evaluate(
      (act) => fetch('/control/act', { method: 'POST', headers: { 'content-type': 'application/json' }, body: act }),
      JSON.stringify({ as: 'U2', do: 'say', text: 'a word by somebody else', channel: 'C0ML' }),
    );
    await page.locator('[data-testid="to-end"]').waitFor();
    expect(await below()).toBeGreaterThan(200);
    await page.click('[data-testid="to-end"]');
    await expect.poll(below).toBeLessThan(5);
    await page.locator('[data-testid="to-end"]').waitFor({ state: 'detached' });
  });

  it('opens a form, and takes it; an expired approval loses its buttons; a killed worker is back', async () => {
    await ablation();
    await be('U1');
    await say('/experiment Run a training job with feature_set=tiny.');
    await page.locator('[data-testid="thread"]', { hasText: 'feature_set=tiny' }).locator('[data-action-id="approve_call"]').waitFor({ timeout: 20_000 });
    await be('U2');
    await page.click('[data-testid="thread"] [data-action-id="edit_call"]');
    await page.locator('[data-testid="modal"] textarea, [data-testid="modal"] input').first().waitFor({ timeout: 10_000 });
    await page.keyboard.press('Escape');
    await page.locator('[data-testid="modal"]').waitFor({ state: 'detached' });
    // Before the first answer nothing is said of approvals: one is open.
    let answer = () => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    await page.route('**/control/sessions', (route) => held.then(() => route.continue()));
    await drawer('chaos');
    await page.locator('[data-testid="chaos"]').waitFor();
    expect(await page.locator('[data-testid="chaos-no-expire"]').count()).toBe(0);
    answer();
    await page.locator('[data-testid="chaos-expire"]', { hasText: 'tiny' }).click();
    await page.unroute('**/control/sessions');
    await page.locator('[data-testid="chaos-said"]', { hasText: 'Its time is over' }).waitFor();
    await page.click('[data-testid="chaos-kill-worker"]');
    await page.locator('[data-testid="chaos-said"]', { hasText: 'worker was killed' }).waitFor();
    await page.locator('[data-testid="thread"] [data-action-id="approve_call"]').waitFor({ state: 'detached', timeout: 20_000 });
    await page.locator('[data-testid="thread"]', { hasText: /record: \d+ lines/ }).waitFor({ timeout: 60_000 });
    expect(await page.locator('[data-testid="sessions"]').count()).toBe(0);
    // The first thread was trained in this sandbox before it; one of its own will not have that.
    await page.click('[data-testid="save-story"]');
    await page.locator('[data-testid="story-others"]', { hasText: 'Other experiments ran here before' }).waitFor();
    await page.click('[data-testid="story-done"]');
  });

  it('skips two hours for everything at once, or says why it can not', async () => {
    if ((await page.locator('[data-testid="chaos"]').count()) === 0) await drawer('chaos');
    const skip = page.locator('[data-testid="chaos-skip"]');
    await skip.waitFor();
    if (await skip.isDisabled()) {
      expect(await skip.textContent()).toContain('libfaketime');
      return;
    }
    await skip.click();
    await page.locator('[data-testid="chaos-said"]', { hasText: '2 hours later' }).waitFor({ timeout: 60_000 });
    await be('U1');
    await page.click('[data-testid="home-link"]');
    const later = new Date(Date.now() + 2 * 3_600_000).toISOString().slice(0, 13).replace('T', ' ');
    await page.locator('[data-testid="home"]', { hasText: `As of ${later}` }).waitFor({ timeout: 20_000 });
  });

  it('has a Home and direct messages for each person', async () => {
    await be('U2');
    await page.click('[data-testid="home-link"]');
    await page.locator('[data-testid="home"] [data-testid^="block"], [data-testid="home"] p').first().waitFor({ timeout: 20_000 });
    await page.click('[data-testid="channel-link"][data-channel="D2"]');
    await say('hello');
    await page.locator('[data-testid="message"][data-user="UBOT"]').first().waitFor({ timeout: 20_000 });
    await be('U4');
    await expect.poll(() => page.locator('[data-testid="channel-link"][data-channel="D2"]').count()).toBe(0);
  });

  it("has Slack's own acts: what the app suggests, its stop button, its shortcuts, and one's messages to edit and take back", async () => {
    await be('U1');
    await page.click('[data-testid="channel-link"][data-channel="D1"]');
    const fault = (what: unknown) =>
      page.evaluate(
        (body) => fetch('/control/fault', { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then((r) => r.ok),
        JSON.stringify(what),
      );
    expect(await fault({ target: 'claude', kind: 'hang' })).toBe(true);
    await page.locator('[data-testid="suggested-prompt"]').first().click();
    await page.locator('[data-testid="agent-state"][data-status="processing"]').waitFor({ timeout: 20_000 });
    await page.click('[data-testid="native-stop"]');
    await page.locator('[data-testid="agent-state"]').waitFor({ state: 'detached', timeout: 20_000 });
    expect(await fault(null)).toBe(true);

    await page.click('[data-testid="channel-link"][data-channel="C0RANDOM"]');
    await say('run job 101 with lr=0.1');
    const own = page.locator('[data-testid="channel"] [data-testid="message"]', { hasText: 'run job 101' }).last();
    await own.hover();
    await own.locator('[data-testid="edit-message"]').click();
    await page.fill('[data-testid="edit-field"]', 'run job 101 with lr=0.2');
    await page.press('[data-testid="edit-field"]', 'Enter');
    await own.locator('.message-edited').waitFor();
    await own.hover();
    await own.locator('[data-testid="run-as-experiment"]').click();
    await page.locator('[data-testid="only-you"]').last().waitFor({ timeout: 20_000 });
    await own.hover();
    await own.locator('[data-testid="delete-message"]').click();
    await page.click('[data-testid="confirm-yes"]');
    await own.waitFor({ state: 'detached' });

    await page.click('[data-testid="shortcut-new"]');
    await page
      .locator('[data-testid="modal"] [data-testid^="field"], [data-testid="modal"] input, [data-testid="modal"] textarea')
      .first()
      .waitFor({ timeout: 20_000 });
    // What was filled in is still there when one comes back from the view over it, as in Slack.
    const field = (id: string) => page.locator(`[data-testid="modal"] [data-block-id="${id}"]`).locator('input, textarea, select');
    // Of several tries only the last one's errors stand at their fields, whoever found them.
    const errorsShown = () => page.locator('[data-testid="modal"] [role="alert"]').allTextContents();
    await field('changes').fill('no pair');
    await page.click('[data-testid="modal-submit"]');
    await expect.poll(errorsShown, { timeout: 10_000 }).toEqual([expect.stringMatching(/one change a line/)]);
    await field('metric').fill('');
    await page.click('[data-testid="modal-submit"]');
    await expect.poll(errorsShown).toEqual([expect.stringMatching(/required/)]);
    await field('metric').fill('val_f1');
    await page.click('[data-testid="modal-submit"]');
    await expect.poll(errorsShown, { timeout: 10_000 }).toEqual([expect.stringMatching(/one change a line/)]);
    await field('changes').fill('feature_set=v2');
    expect(await errorsShown()).toEqual([]);
    await field('next').selectOption({ label: 'Just tell me' });
    await page.click('[data-testid="modal-submit"]');
    await field('prompt').waitFor({ timeout: 20_000 });
    await page.locator('[data-testid="modal-close"]', { hasText: 'Back' }).click();
    await field('changes').waitFor({ timeout: 20_000 });
    expect(await field('changes').inputValue()).toBe('feature_set=v2');
    expect(await field('next').locator('option:checked').textContent()).toBe('Just tell me');
    await page.keyboard.press('Escape');
    await page.locator('[data-testid="modal"]').waitFor({ state: 'detached' });
  });

  it('plays the thread that was kept, and it comes out the same', async () => {
    expect(await (await kept()).replayed).toMatchObject({ code: 0, out: expect.stringMatching(/as it should be, in [\d.]+ s\n$/) });
  });

  it('shows the whole sentence of a form, and opens what it starts as after the command', async () => {
    await be('U1');
    await page.click('[data-testid="channel-link"][data-channel="C0ML"]');
    await page.click('[data-testid="shortcut-new"]');
    const field = (id: string) => page.locator(`[data-testid="modal"] [data-block-id="${id}"] textarea`);
    await field('changes').fill('feature_set=v2\nseed=77');
    await page.click('[data-testid="modal-submit"]');
    await field('prompt').waitFor({ timeout: 20_000 });
    expect(await field('prompt').evaluate((area) => area.scrollHeight - area.clientHeight)).toBeLessThan(4);
    // While it is still read nothing is started, and what somebody else starts stays closed.
    await somebodyAsks('good evening');
    expect(await page.locator('[data-testid="thread"]').count()).toBe(0);
    await page.click('[data-testid="modal-submit"]');
    await page.locator('[data-testid="thread"]', { hasText: 'seed=77' }).waitFor({ timeout: 20_000 });
    await page.click('[data-testid="close-thread"]');
  });

  it('can be used with the keyboard alone', async () => {
    // One to come back to from its thread.
    await somebodyAsks('good morning');
    await page.keyboard.press('Alt+1');
    await expect.poll(() => page.getAttribute('[data-testid="identity"][data-user="U1"]', 'aria-pressed')).toBe('true');
    await page.keyboard.press('Alt+S');
    await page.locator('[data-testid="sessions"]').waitFor();
    await page.keyboard.press('Escape');
    await page.locator('[data-testid="sessions"]').waitFor({ state: 'detached' });
    await page.keyboard.press('Alt+C');
    await page.keyboard.type('/experiment h');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.locator('[data-testid="only-you"]').last().waitFor({ timeout: 20_000 });
    await page.keyboard.press('Alt+K');
    await page.locator('[data-testid="keys"]').waitFor();
    await page.keyboard.press('Escape');
    // What closes with the focus in it gives it back to what opened it.
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-testid'));
    await page.focus('[data-testid="tab-sessions"]');
    await page.keyboard.press('Enter');
    await page.focus('[aria-label="Close this pane"]');
    await page.keyboard.press('Enter');
    await expect.poll(focused).toBe('tab-sessions');
    await page.locator('[data-testid="thread-summary"]').last().focus();
    await page.keyboard.press('Enter');
    await page.focus('[data-testid="composer-thread"]');
    await page.keyboard.press('Escape');
    await expect.poll(focused).toBe('thread-summary');
  });

  it.each(['light', 'dark'] as const)('fits a narrow window and a wide one, %s', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    for (const width of [1440, 900, 390]) {
      await page.setViewportSize({ width, height: 800 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    }
    const [paper, ink] = await page.evaluate(() => [getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]);
    const bright = (rgb: string | undefined) => (rgb ?? '').match(/\d+/g)!.reduce((sum, part) => sum + Number(part), 0) > 384;
    expect([bright(paper), bright(ink)]).toEqual(colorScheme === 'light' ? [true, false] : [false, true]);
    // The menu that covers a narrow window goes with Escape, and what lies under it stays.
    await page.click('[aria-label="Channels and people"]');
    await page.locator('[aria-label="Close the menu"]').waitFor();
    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('data-testid'));
    await expect.poll(focused).toBe('channel-link');
    await page.keyboard.press('Escape');
    await page.locator('[aria-label="Close the menu"]').waitFor({ state: 'detached' });
    await expect.poll(focused).toBe('menu');
    await page.setViewportSize({ width: 1440, height: 900 });
  });

  it('forgets everything when asked to, and labmate with it', async () => {
    await page.click('[data-testid="reset"]');
    // labmate is started anew behind it; then the page loads again.
    await Promise.all([page.waitForEvent('load', { timeout: 30_000 }), page.click('[data-testid="confirm-yes"]')]);
    await expect.poll(() => page.locator('[data-testid="message"]').count(), { timeout: 30_000 }).toBe(0);
    await page.fill('[data-testid="composer-channel"]', '/experiment list');
    await page.press('[data-testid="composer-channel"]', 'Enter');
    await page.locator('[data-testid="only-you"]').first().waitFor({ timeout: 30_000 });
    expect(await page.textContent('[data-testid="channel"]')).not.toContain('feature_set');
    expect(errors).toEqual([]);
  });
});
