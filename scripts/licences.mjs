import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The licences of all packages among these files, to be passed on with a bundle of them. Throws for a package whose licence is not known. */
export function licencesOf(files, root) {
  const folders = new Set(files.flatMap((file) => /^.*[/\\]node_modules[/\\](@[^/\\]+[/\\])?[^/\\]+(?=[/\\])/.exec(file)?.[0] ?? []));
  const parts = [...folders].sort().map((folder) => {
    const { name, version, license, author } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const file = readdirSync(folder).find((entry) => /^(licen[cs]e|copying)\b/i.test(entry));
    // Ours is the same one.
    const mit = () =>
      readFileSync(join(root, 'LICENSE'), 'utf8').replace(/^Copyright.*$/m, `Copyright (c) ${author?.name ?? author ?? `the authors of ${name}`}`);
    if (!file && license !== 'MIT') throw new Error(`${name} ${version} brings no licence (its package.json says ${license}).`);
    return `${name} ${version}: ${license}\n\n${(file ? readFileSync(join(folder, file), 'utf8') : mit()).trim()}\n`;
  });
  return parts.join(`\n${'-'.repeat(80)}\n\n`);
}
