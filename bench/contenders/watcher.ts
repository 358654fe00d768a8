import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openServices } from '../../src/open-services.ts';
import { progressReader } from '../../src/tools/run-progress.ts';
import { serve } from '../child.ts';
import { benchConfig } from './config.ts';

/** The product's own look at runs, against a Databricks that takes no larger page than the real one. */

const MOST_A_PAGE = 25;
let requests = { list: 0, get: 0, refused: 0 };
let active: number[] = [];
const run = (id: number) => ({ run_id: id, job_id: 101, state: { life_cycle_state: 'RUNNING' }, status: { state: 'RUNNING' }, start_time: 1_700_000_000_000 });

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://databricks');
  const answer = (status: number, body: unknown) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (url.pathname.endsWith('/jobs/runs/list')) {
    requests.list += 1;
    const limit = Number(url.searchParams.get('limit') ?? 20);
    if (limit > MOST_A_PAGE) {
      requests.refused += 1;
      return void answer(400, { error_code: 'INVALID_PARAMETER_VALUE', message: `limit must be at most ${MOST_A_PAGE}` });
    }
    const from = Number(url.searchParams.get('page_token') ?? 0);
    const page = active.slice(from, from + limit);
    const more = from + limit < active.length;
    return void answer(200, { runs: page.map(run), has_more: more, ...(more ? { next_page_token: String(from + limit) } : {}) });
  }
  if (url.pathname.endsWith('/jobs/runs/get')) {
    requests.get += 1;
    return void answer(200, run(Number(url.searchParams.get('run_id'))));
  }
  answer(404, { error_code: 'RESOURCE_DOES_NOT_EXIST', message: url.pathname });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as AddressInfo;

const config = benchConfig({ DATABRICKS_HOST: `http://127.0.0.1:${port}` });
const { databricks } = openServices(config);
if (!databricks) throw new Error('no Databricks');

serve({
  /** Requests of each of so many rounds over so many runs of one job that are all still running. */
  rounds: async ({ runs, rounds }: { runs: number; rounds: number }) => {
    active = Array.from({ length: runs }, (_, i) => 1_000_000 + i);
    const look = progressReader({ databricks, mlflow: undefined, settings: config.settings });
    const each: (typeof requests)[] = [];
    for (let round = 0; round < rounds; round++) {
      requests = { list: 0, get: 0, refused: 0 };
      const seen = await look(active.map((id) => ({ runId: String(id), metrics: [] })));
      if (seen.size !== runs) throw new Error(`${seen.size} of ${runs} runs were seen`);
      each.push({ ...requests });
    }
    return each;
  },
});
