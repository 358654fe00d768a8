// node check-record.mjs record.jsonl [head]: is this record whole and unchanged? Needs nothing but Node; the rules stand in the comments.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [file, head] = process.argv.slice(2);
const WHY = { ENOENT: 'there is no such file', EISDIR: 'it is a folder', EACCES: 'its permissions do not allow it' };
let lines = [];
try {
  lines = readFileSync(file ?? '', 'utf8')
    .split('\n')
    .filter(Boolean);
} catch (error) {
  process.stderr.write(`${file ? `${file} cannot be read (${WHY[error.code] ?? error.code}). ` : ''}Usage: node check-record.mjs record.jsonl [head]\n`);
  process.exit(2);
}
let prev = '0'.repeat(64);
const heads = [];
let finished = false;
for (const [i, line] of lines.entries()) {
  // Each line begins with its version, its number from 1 on, and the SHA-256 of the line before it, in this order.
  if (!line.startsWith(`{"v":1,"seq":${i + 1},"prev":"${prev}",`)) {
    process.stdout.write(`line ${i + 1} does not follow line ${i}\n`);
    process.exit(1);
  }
  try {
    finished = JSON.parse(line).type === 'ended';
  } catch {
    process.stdout.write(`line ${i + 1} is not whole\n`);
    process.exit(1);
  }
  prev = createHash('sha256').update(line).digest('hex');
  heads.push(prev);
}
// A finished record ends with "ended"; the head that stands in Slack, the pull request or MLflow is the hash of one of its lines.
const known = head === undefined || heads.some((h) => h.startsWith(head));
const holds = `${lines.length} lines hold${finished ? '' : ', without an end'}; head ${prev}`;
process.stdout.write(`${known ? holds : `the head ${head} is of another record`}\n`);
process.exit(known ? 0 : 1);
