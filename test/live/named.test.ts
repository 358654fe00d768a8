import { describe, expect, test } from 'vitest';
import { backendsOf } from '../../src/config-backends.ts';
import { Env } from '../../src/config-env.ts';
import { openServices } from '../../src/open-services.ts';
import { aToolbox } from './a-toolbox.ts';

// Backends that the environment names, with the product's own variables: looked at and never written to.

const env = new Env(process.env);
const backends = backendsOf(env);
const looks = [
  ['a Databricks workspace (DATABRICKS_HOST)', backends.databricks, 'list_databricks_jobs', {}, 'jobs'],
  ['a tracking server (MLFLOW_TRACKING_URI)', backends.mlflow, 'list_experiments', {}, 'experiments'],
  ['a Grafana (GRAFANA_URL)', backends.grafana, 'search_dashboards', { query: '' }, 'dashboards'],
] as const;

describe('named by the environment', () => {
  for (const [name, backend, tool, input, list] of looks) {
    test.skipIf(!backend && env.faults.length === 0)(`${name} is read as its stand-in is`, async () => {
      expect(env.faults).toEqual([]);
      const box = await aToolbox(openServices({ backends, slack: null }), false);
      const answer = await box.call(tool, input);
      expect(answer.failed, answer.text).toBe(false);
      expect(answer.data[list]).toBeInstanceOf(Array);
      await box.close();
    });
  }
});
