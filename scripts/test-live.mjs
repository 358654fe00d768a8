// `npm run test:live`: holds labmate against programs that others wrote. Installs them into .cache/live in exact versions, never into the project, and says what it left out and why.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installMissing, requireNode } from '../bin/prepare.mjs';
import { countTests, failedTests } from './count-tests.mjs';

requireNode();
const root = dirname(dirname(fileURLToPath(import.meta.url)));
installMissing(root);

// A folder that outlives a checkout saves its next run the downloads.
const cache = resolve(process.env.LABMATE_LIVE_CACHE || join(root, '.cache', 'live'));
mkdirSync(cache, { recursive: true });
/** Downloads together may take this long: a registry that hangs makes skips, not a run without end. */
const installingUntil = Date.now() + 480_000;
const say = (line) => process.stdout.write(`live: ${line}\n`);

/** What is tried, in this order. The second is for a Python too old for the first. */
const MLFLOW = ['mlflow[auth]==3.17.2', 'mlflow[auth]>=3,<4'];
const MCP_GRAFANA = ['mcp-grafana==2.1.1'];
const NPM = {
  emulate: '0.12.2',
  '@databricks/sdk-experimental': '0.17.0',
  '@modelcontextprotocol/conformance': '0.1.16',
  '@modelcontextprotocol/inspector': '2.12.0',
  '@modelcontextprotocol/client': '2.4.0',
  '@modelcontextprotocol/server-everything': '2026.8.31',
  '@modelcontextprotocol/server-filesystem': '2026.8.31',
  'local-slack-linux-x64': '0.1.8',
};

/** What can't be installed: looked at, read-only, where the product's own variables name it. */
const NAMED = { DATABRICKS_HOST: 'a Databricks workspace', MLFLOW_TRACKING_URI: 'a tracking server of yours', GRAFANA_URL: 'a Grafana of yours' };

const python = ['python3', 'python'].find((name) => run(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))'], 20).status === 0);
// The small ones first: on a slow machine the largest must not leave them no time.
const peers = {
  emulate: peer("emulate's GitHub and Slack", () => fromNpm('emulate')),
  localSlack: peer('local-slack', () => fromNpm('local-slack-linux-x64', 'bin/local-slack')),
  databricksSdk: peer("the vendor's Databricks SDK", () => fromNpm('@databricks/sdk-experimental')),
  mcpConformance: peer("MCP's conformance suite", () => fromNpm('@modelcontextprotocol/conformance')),
  mcpInspector: peer('the MCP Inspector', () => fromNpm('@modelcontextprotocol/inspector')),
  mcpClient: peer("the MCP client of the SDK's second version", () => fromNpm('@modelcontextprotocol/client')),
  mcpEverything: peer("MCP's server-everything", () => fromNpm('@modelcontextprotocol/server-everything')),
  mcpFilesystem: peer("MCP's server-filesystem", () => fromNpm('@modelcontextprotocol/server-filesystem')),
  mcpGrafana: peer('mcp-grafana', () => fromPypi('mcp-grafana', MCP_GRAFANA, 'mcp-grafana')),
  mlflow: peer('a real MLflow tracking server', () => fromPypi('mlflow', MLFLOW, 'mlflow')),
};

const folder = mkdtempSync(join(tmpdir(), 'labmate-live-'));
const report = join(folder, 'report.json');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const args = ['run', '--config', 'vitest.live.config.ts', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)];
const ran = spawnSync(process.execPath, [vitest, ...args], {
  cwd: root,
  env: { ...process.env, LABMATE_LIVE_PEERS: JSON.stringify(peers) },
  stdio: ['ignore', 'inherit', 'inherit'],
});
const told = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : null;
const counts = countTests(told, ran.status);
for (const { line } of failedTests(told, root)) process.stdout.write(`failed: ${line}\n`);
rmSync(folder, { recursive: true, force: true });
for (const { name, skipped } of Object.values(peers)) if (skipped) say(`SKIPPED ${name}: ${skipped}`);
for (const [name, what] of Object.entries(NAMED)) if (!process.env[name]) say(`SKIPPED ${what}: ${name} and its credentials are not set`);
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
process.exitCode = counts.failed > 0 ? 1 : 0;

/** Never throws: a peer that can't be had is a counted skip with its reason. */
function peer(name, install) {
  try {
    const found = install();
    say(`${name}: ${found.installed}`);
    return { name, ...found };
  } catch (error) {
    const skipped = String(error.message).replace(/\s+/g, ' ').slice(0, 300);
    say(`SKIPPED ${name}: ${skipped}`);
    return { name, skipped };
  }
}

/** A virtual environment of the peer's own, with the first of the wanted versions that can be had. */
function fromPypi(name, wanted, program) {
  if (!python) throw new Error('no Python of 3.10 or newer is here');
  const home = join(cache, name);
  const bin = join(home, process.platform === 'win32' ? 'Scripts' : 'bin');
  const mark = join(home, 'installed.json');
  const version = () => {
    const asked = run(join(bin, 'python'), ['-c', `import importlib.metadata as m; print(m.version('${name}'))`], 60);
    return asked.status === 0 ? asked.stdout.trim() : null;
  };
  const had = existsSync(mark) ? JSON.parse(readFileSync(mark, 'utf8')) : null;
  if (had?.wanted === wanted[0] && had.version === version())
    return { bin, program: join(bin, program), version: had.version, installed: `${name} ${had.version}, installed before` };

  rmSync(home, { recursive: true, force: true });
  say(`installing ${wanted[0]} into ${home}`);
  must(run(python, ['-m', 'venv', home], 60), 'no virtual environment could be made');
  let tried = null;
  for (const requirement of wanted) {
    tried = run(join(bin, 'python'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', requirement], 360);
    if (tried.status === 0 || tried.error) break;
  }
  must(tried, `${wanted.join(' nor ')} could be installed`);
  const got = version();
  if (!got) throw new Error(`${name} was installed but can't be loaded`);
  writeMark(mark, { wanted: wanted[0], version: got });
  return { bin, program: join(bin, program), version: got, installed: `installed ${name} ${got}` };
}

/** A folder of the peer's own; what the package says of Node versions is a warning there. */
function fromNpm(name, program) {
  const version = NPM[name];
  const home = join(cache, 'npm', name.replaceAll('/', '-'));
  const manifest = join(home, 'node_modules', name, 'package.json');
  const got = () => (existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')) : null);
  const before = got()?.version === version;
  if (!before) {
    mkdirSync(home, { recursive: true });
    say(`installing ${name}@${version} into ${home}`);
    const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
    must(
      run(npm, ['install', '--prefix', home, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', `${name}@${version}`], 120),
      `${name}@${version} could not be installed`,
    );
  }
  const found = got();
  if (found?.version !== version) throw new Error(`${name} is there as ${found?.version}, not as ${version}`);
  const imported = found.exports?.['.']?.import;
  const entry = join(dirname(manifest), program ?? imported?.default ?? imported ?? found.main ?? Object.values(found.bin)[0]);
  return { entry, version, installed: `${before ? `${name} ${version}, installed before` : `installed ${name} ${version}`}` };
}

function run(program, args, seconds) {
  const timeout = Math.min(seconds * 1000, Math.max(5000, installingUntil - Date.now()));
  return spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 });
}

function must(ran, what) {
  if (ran.status === 0) return;
  const why = ran.error?.code === 'ETIMEDOUT' ? 'it took too long' : (ran.error?.message ?? lastLine(ran.stderr));
  throw new Error(`${what}: ${why}`);
}

/** Without any address: which registry somebody uses is nobody's business. */
function lastLine(text) {
  const line =
    (text ?? '')
      .trim()
      .split('\n')
      .filter((l) => !/warn/i.test(l))
      .at(-1) ?? 'no reason given';
  return line.replace(/\b\w+:\/\/\S+/g, '(address)');
}

function writeMark(path, value) {
  writeFileSync(path, `${JSON.stringify(value)}\n`);
}
