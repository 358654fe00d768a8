import type { AnyConfig } from '../config.ts';
import { type Finding, warning, wrong } from './findings.ts';

/** What stands in capitals in labmate.example.json, for its reader to change. */
const PLACEHOLDERS: readonly string[] = [
  'CHANNEL_ID',
  'APPROVER_USER_ID',
  'APPROVER_GROUP_ID',
  'DEV_JOB_ID',
  'DEV_JOB_NAME-*',
  'PROD_JOB_ID',
  'EXPERIMENT_NAME',
  'OWNER/REPOSITORY',
];

/** Each that was left in labmate.json, with the first key it stands in. Look-ups would call it unknown, if they could be made at all. */
export function placeholderFindings({ channels, permissions, settings }: AnyConfig): Finding[] {
  const { approvers, allow, repositories, environments } = permissions;
  // A job that is described and not there harms nobody, so what else names it comes first.
  const all = stringsIn({ channels, approvers, allow, github: { repositories }, defaults: settings.defaults, environments }, '');
  return PLACEHOLDERS.flatMap((placeholder) => {
    const key = all.find(([, text]) => text === placeholder)?.[0];
    if (key === undefined) return [];
    const is = key.startsWith('environments.') ? warning : wrong;
    return [is('labmate.json', `${key} still holds ${placeholder} of labmate.example.json: put your own there and wherever else it stands, or take it out.`)];
  });
}

function stringsIn(value: unknown, key: string): [key: string, text: string][] {
  if (typeof value === 'string') return [[key, value]];
  if (Array.isArray(value)) return value.flatMap((item) => stringsIn(item, key));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) => stringsIn(inner, key === '' ? name : `${key}.${name}`));
}
