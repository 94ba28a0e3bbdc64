// How a software Vulkan driver gets onto a Debian-like machine: pure functions that read the machine's apt sources and
// decide what to do. Nothing here runs a command or writes a file.
//
// Dawn refuses the Mesa of Debian 12 (22.3); the Mesa of its backports suite is accepted. The suite is taken from the
// mirror that the machine already uses for its own packages, so that no host is named in this project.

/**
 * @typedef {{ types: string[], uris: string[], suites: string[], components: string[], options: Record<string, string> }} AptEntry
 * One stanza or line of an apt source file. `options` holds deb822 field names, such as `Signed-By`.
 *
 * @typedef {{ id: string, like: string[], version: string, codename: string, name: string }} OsRelease
 *
 * @typedef {{
 *   platform: string, os: OsRelease, isRoot: boolean, hasAptGet: boolean, entries: AptEntry[], mayInstall?: boolean,
 *   node?: string, script?: string,
 * }} Machine
 *
 * @typedef {{ kind: 'install', what: string, suite: string | undefined, sources: string }
 *   | { kind: 'tell', why: string, commands: string[] }} DriverPlan
 */

export const DRIVER_PACKAGE = 'mesa-vulkan-drivers';

/** One-line options whose deb822 field is not just the name in capitals. */
const FIELD_OF_OPTION = /** @type {Record<string, string>} */ ({
  arch: 'Architectures',
  lang: 'Languages',
  target: 'Targets',
  pdiffs: 'PDiffs',
  'by-hash': 'By-Hash',
});

/**
 * Reads `/etc/os-release`.
 * @param {string} text
 * @returns {OsRelease}
 */
export function parseOsRelease(text) {
  /** @type {Record<string, string>} */
  const fields = {};
  for (const line of text.split('\n')) {
    const match = /^([A-Z_]+)=(.*)$/.exec(line.trim());
    if (match) fields[match[1] ?? ''] = (match[2] ?? '').replace(/^(["'])(.*)\1$/, '$2');
  }
  return {
    id: fields.ID ?? '',
    like: (fields.ID_LIKE ?? '').split(/\s+/).filter(Boolean),
    version: fields.VERSION_ID ?? '',
    codename: fields.VERSION_CODENAME ?? '',
    name: fields.PRETTY_NAME ?? fields.NAME ?? 'this system',
  };
}

/**
 * Reads one-line sources (`.list`): `deb [signed-by=KEY] URI suite component…`. Disabled lines are comments.
 * @param {string} text
 * @returns {AptEntry[]}
 */
export function parseOneLineSources(text) {
  /** @type {AptEntry[]} */
  const entries = [];
  for (const raw of text.split('\n')) {
    const line = raw.replace(/#.*/, '').trim();
    const match = /^(deb|deb-src)\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)\s*(.*)$/.exec(line);
    if (!match) continue;
    const [, type = '', optionText = '', uri = '', suite = '', components = ''] = match;
    /** @type {Record<string, string>} */
    const options = {};
    for (const option of optionText.split(/\s+/)) {
      const parts = /^([a-z-]+)=(.+)$/.exec(option);
      if (!parts) continue;
      const name = parts[1] ?? '';
      const field = FIELD_OF_OPTION[name] ?? name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase());
      options[field] = (parts[2] ?? '').replaceAll(',', ' ');
    }
    entries.push({
      types: [type],
      uris: [uri],
      suites: [suite],
      components: components.split(/\s+/).filter(Boolean),
      options,
    });
  }
  return entries;
}

/**
 * Reads deb822 sources (`.sources`): stanzas of fields, continuation lines indented. A key written into `Signed-By`
 * keeps its lines. Stanzas with `Enabled: no` are left out.
 * @param {string} text
 * @returns {AptEntry[]}
 */
export function parseDeb822Sources(text) {
  /** @type {AptEntry[]} */
  const entries = [];
  const withoutComments = text.split('\n').filter((line) => !line.startsWith('#'));
  for (const stanza of withoutComments.join('\n').split(/\n[ \t]*\n/)) {
    /** @type {Map<string, string>} */
    const fields = new Map();
    let current = '';
    for (const line of stanza.split('\n')) {
      const match = /^([A-Za-z0-9-]+):[ \t]*(.*)$/.exec(line);
      if (match) {
        current = (match[1] ?? '').toLowerCase();
        fields.set(current, (match[2] ?? '').trimEnd());
      } else if (/^[ \t]/.test(line) && current) {
        fields.set(current, `${fields.get(current)}\n${line.trimEnd()}`);
      }
    }
    const words = (/** @type {string} */ field) => (fields.get(field) ?? '').split(/\s+/).filter(Boolean);
    if (words('uris').length === 0 || /^(no|false|off|0|without|disable)$/i.test(fields.get('enabled') ?? 'yes'))
      continue;
    /** @type {Record<string, string>} */
    const options = {};
    for (const [field, value] of fields) {
      if (['types', 'uris', 'suites', 'components', 'enabled', 'x-repolib-name'].includes(field)) continue;
      options[field.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())] = value;
    }
    entries.push({
      types: words('types'),
      uris: words('uris'),
      suites: words('suites'),
      components: words('components'),
      options,
    });
  }
  return entries;
}

/**
 * Reads one source file by its name's ending, as apt does; other endings are not read.
 * @param {string} name
 * @param {string} text
 * @returns {AptEntry[]}
 */
export function parseSources(name, text) {
  if (name.endsWith('.sources')) return parseDeb822Sources(text);
  return name.endsWith('.list') ? parseOneLineSources(text) : [];
}

/**
 * The entries that serve the distribution's own main archive, the most certain first; when any is certain, only the
 * certain ones. Security suites, source packages, removable media and archives of other vendors are left out.
 * @param {AptEntry[]} entries
 * @param {string} codename such as `bookworm`
 * @returns {AptEntry[]}
 */
export function mainArchives(entries, codename) {
  const own = new Set([codename, `${codename}-updates`, `${codename}-backports`, 'stable', 'oldstable']);
  const candidates = entries.filter(
    (entry) =>
      entry.types.includes('deb') &&
      entry.components.includes('main') &&
      entry.suites.some((suite) => own.has(suite)) &&
      entry.uris.some((uri) => !uri.startsWith('cdrom:')),
  );
  const updatesFrom = new Set(
    candidates
      .filter((entry) =>
        entry.suites.some((suite) => suite === `${codename}-updates` || suite === `${codename}-backports`),
      )
      .flatMap((entry) => entry.uris),
  );
  // Only the distribution's archive has an updates or a backports suite beside the main one, or its own archive key.
  const certain = candidates.filter(
    (entry) =>
      entry.uris.some((uri) => updatesFrom.has(uri)) ||
      /debian-archive/.test(entry.options['Signed-By'] ?? '') ||
      entry.uris.some((uri) => /^[a-z+]+:\/\/([a-z0-9-]+\.)*debian\.org\//.test(uri)),
  );
  return certain.length > 0 ? certain : candidates;
}

/**
 * The stanza that adds one suite from the machine's own mirror, keeping keys and other options; empty when no entry
 * serves the main archive, or when the machine has the suite already.
 * @param {AptEntry[]} entries
 * @param {string} codename
 * @param {string} suite such as `bookworm-backports`
 * @returns {string} text of a deb822 source file
 */
export function suiteSources(entries, codename, suite) {
  if (entries.some((entry) => entry.types.includes('deb') && entry.suites.includes(suite))) return '';
  const stanzas = new Set(
    mainArchives(entries, codename).map((entry) => {
      const options = Object.entries(entry.options).map(([field, value]) => `${field}: ${value}`);
      const uris = entry.uris.filter((uri) => !uri.startsWith('cdrom:'));
      return [`Types: deb`, `URIs: ${uris.join(' ')}`, `Suites: ${suite}`, 'Components: main', ...options, ''].join(
        '\n',
      );
    }),
  );
  return [...stanzas].join('\n');
}

/**
 * What to do on a machine where Dawn sees no adapter.
 * @param {Machine} machine
 * @returns {DriverPlan}
 */
export function planDriver(machine) {
  const { platform, os, isRoot, hasAptGet, entries, mayInstall = true } = machine;
  if (platform === 'darwin') {
    const why =
      'macOS brings its own driver (Metal); none was offered here, as happens in a virtual machine without a GPU';
    return { kind: 'tell', why, commands: [] };
  }
  if (platform === 'win32') {
    const why =
      "Windows' drivers (Direct3D 12) come with the graphics card; install or update the vendor's driver, then run the same command again";
    return { kind: 'tell', why, commands: [] };
  }
  if (platform !== 'linux') return { kind: 'tell', why: `no driver is known for ${platform}`, commands: [] };

  if (!hasAptGet) {
    /** @type {[string, string][]} */
    const managers = [
      ['fedora', `sudo dnf install ${DRIVER_PACKAGE} vulkan-loader`],
      ['rhel', `sudo dnf install ${DRIVER_PACKAGE} vulkan-loader`],
      ['arch', 'sudo pacman -S vulkan-swrast vulkan-icd-loader'],
      ['suse', 'sudo zypper install libvulkan_lvp libvulkan1'],
      ['alpine', 'apk add mesa-vulkan-swrast vulkan-loader'],
    ];
    const known = managers.find(([family]) => os.id === family || os.like.some((like) => like.startsWith(family)));
    const why = known
      ? `the driver has to be installed by hand: only apt-get is known here, and ${os.name} has none`
      : `install a Vulkan driver (Mesa's lavapipe will do) by the means of ${os.name}, then run the same command again`;
    return { kind: 'tell', why, commands: known ? [known[1]] : [] };
  }

  const needsBackports = os.id === 'debian' && (os.codename === 'bookworm' || os.version === '12');
  const codename = os.codename || 'bookworm';
  const suite = needsBackports ? `${codename}-backports` : undefined;
  const sources = suite ? suiteSources(entries, codename, suite) : '';
  if (suite && !sources && !entries.some((entry) => entry.suites.includes(suite))) {
    const why = `the machine's apt sources name no mirror of ${os.name}, from which the suite ${suite} could be taken`;
    return { kind: 'tell', why, commands: [`sudo apt-get install -t ${suite} ${DRIVER_PACKAGE}`] };
  }
  const what = suite ? `${DRIVER_PACKAGE} from ${suite}` : DRIVER_PACKAGE;
  if (!isRoot || !mayInstall) {
    const why = isRoot
      ? 'HASHGNN_NO_INSTALL is set, so that no system package may be installed'
      : `installing the software driver (${what}) needs root`;
    const { node = 'node', script = 'scripts/setup.mjs' } = machine;
    // The same code as for root: the plain command would need the suite in the machine's own sources.
    const commands = suite
      ? [`sudo ${node} ${script} driver`]
      : ['sudo apt-get update', `sudo apt-get install -y --no-install-recommends ${DRIVER_PACKAGE}`];
    return {
      kind: 'tell',
      why,
      commands: isRoot ? commands.map((command) => command.replace(/^sudo /, '')) : commands,
    };
  }
  return { kind: 'install', what, suite, sources };
}

/**
 * Whether the distribution is one whose plain package is old enough that Dawn may refuse it.
 * @param {OsRelease} os
 */
export function mayBeTooOld(os) {
  const version = Number.parseFloat(os.version);
  return (os.id === 'debian' && version < 12) || (os.id === 'ubuntu' && version < 24.04);
}
