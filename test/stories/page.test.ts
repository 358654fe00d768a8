import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
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

  beforeAll(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'labmate-page-'));
    const { REDIS_URL: _, ...env } = process.env;
    sandbox = spawn(process.execPath, ['bin/labmate.mjs', 'sandbox', '--port', '0', '--training-seconds', '3', '--dir', dir], { env });
    const url = await new Promise<string>((resolve, reject) => {
      let said = '';
      sandbox.stderr?.on('data', (bytes) => {
        said += String(bytes);
        const found = /^ {2}(http:\S+)$/m.exec(said)?.[1];
        if (found) resolve(found);
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
  }, 90_000);
  afterAll(async () => {
    await browser?.close();
    if (sandbox && sandbox.exitCode === null) {
      sandbox.kill('SIGINT');
      await new Promise((resolve) => sandbox.once('close', resolve));
    }
  }, 30_000);

  const be = (user: string) => page.click(`[data-testid="identity"][data-user="${user}"]`);
  const approve = (words: string) =>
    page.locator('[data-testid="thread"] [data-testid="message"]', { hasText: words }).locator('[data-action-id="approve_call"]').click({ timeout: 20_000 });

  it('lets Priya ask, Sam approve, and shows the verdict and the pull request', async () => {
    expect(await page.textContent('[data-testid="banner"]')).toMatch(/not Claude/);
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

    const thread = (await page.textContent('[data-testid="thread"]')) ?? '';
    expect(thread).toContain('+3.03');
    expect(thread).toMatch(/Approved by @?Sam/);
    expect(errors).toEqual([]);
  }, 120_000);

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
  }, 60_000);
});
