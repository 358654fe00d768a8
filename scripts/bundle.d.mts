export const WITH_PACKAGES: { external: string[]; banner: { js: string } };
export function bundledCommand(root: string): Promise<string | null>;
export function bundlePackage(root: string, outdir: string): Promise<string[]>;
