import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The shaders of test/gpu/fixtures by name: `fixture/visit`, …, and those that they import as `lib/…`. */
export function fixtureShaders(): Map<string, string> {
  const root = join(import.meta.dirname, 'fixtures');
  return new Map(
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.wgsl'))
      .map((file) => {
        const name = file.slice(0, -'.wgsl'.length).replaceAll('\\', '/');
        return [name.startsWith('lib/') ? name : `fixture/${name}`, readFileSync(join(root, file), 'utf8')];
      }),
  );
}
