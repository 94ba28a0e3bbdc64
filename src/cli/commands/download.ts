/** `hashgnn download`: published data sets from their publishers; the one command that needs the network. */
import { join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { HashgnnError, UsageError } from '../../base/errors.js';
import { quoted } from '../../base/text.js';
import { CATALOGUE, fileName, type PublishedSet, publishedSet, sizeOf, usualFolder } from '../../data/catalogue.js';
import { type Download, type DownloadedFile, downloadSet, isThere } from '../../download/index.js';
import { canAsk, confirmed } from '../consent.js';
import { interruptSignal } from '../interrupt.js';
import { formatBytes, Output, type OutputOptions, outputOptions } from '../output.js';
import { Stages } from '../stages.js';

interface Options extends OutputOptions {
  readonly out?: string;
  readonly list?: boolean;
  readonly acceptLicence?: boolean;
  readonly from?: URL;
  readonly sha256?: readonly Pin[];
}

/** A checksum that the user names; without a file it is that of the only one. */
interface Pin {
  readonly file: string | undefined;
  readonly digest: string;
}

const NAMES = CATALOGUE.map(({ name }) => name).join(', ');
const KIB = 1024;

export function register(program: Command): void {
  const command = program
    .command('download')
    .description('fetch a published data set from its publisher, checked and resumable, for hashgnn prepare')
    .argument('[name]', NAMES)
    .option('--list', 'show what can be fetched: what it is, its size, its terms and its page')
    .option('-o, --out <folder>', 'folder to fetch into (default: downloads/<name>)')
    .option('--accept-licence', 'accept the terms of the data set without being asked')
    .option('--from <address>', "a web server's folder with the same files, in the publisher's place", toFolderAddress)
    .option(
      '--sha256 <digest>',
      'SHA-256 that the file must have, whatever is known of it; of one of several <file>=<digest>, repeatable',
      (text, before: readonly Pin[] = []) => [...before, toPin(text)],
    );
  outputOptions(command).action(async (name: string | undefined, options: Options) => {
    const output = new Output(options);
    const set = name === undefined ? undefined : requireSet(name);
    if (options.list) {
      const sets = set ? [set] : CATALOGUE;
      output.result({ sets: sets.map(listed) }, sets.map(describeSet).join('\n\n'));
      return;
    }
    if (!set) throw new UsageError('no data set is named', { fix: `name one of ${NAMES}; --list says more of them` });
    const { from, out = usualFolder(set) } = options;
    const sha256 = pinsOf(set, options.sha256 ?? []);
    const signal = interruptSignal();
    if (!(await isThere(set, out))) await requireConsent(set, options.acceptLicence ?? false, output, signal);
    const shown = new Stages(output);
    const download = await shown.during(() =>
      downloadSet(set, out, {
        ...{ from, sha256, signal },
        report: (text) => shown.say(text),
        progress: (file, bytes, total) => shown.update(file, bytes / KIB, total && total / KIB, 'KiB'),
      }),
    );
    const prepare = prepareCommand(set, out);
    output.result({ ...download, prepare }, describeDownload(set, download, prepare));
  });
}

function toFolderAddress(text: string): URL {
  const address = URL.canParse(text) ? new URL(text) : undefined;
  if (!address || !/^https?:$/.test(address.protocol)) throw new InvalidArgumentError('Expected http:// or https://.');
  if (address.username || address.password || address.search || address.hash) {
    throw new InvalidArgumentError(
      'Expected the address of a folder, without a user, a question or a place in a page.',
    );
  }
  return address;
}

function toPin(text: string): Pin {
  const [, file, digest] = /^(?:(.+)=)?([0-9a-f]{64})$/i.exec(text) ?? [];
  if (digest === undefined) throw new InvalidArgumentError('Expected 64 hexadecimal digits, after <file>= or alone.');
  return { file, digest: digest.toLowerCase() };
}

function requireSet(name: string): PublishedSet {
  const set = publishedSet(name);
  if (!set) throw new UsageError(`${name} cannot be fetched by name`, { fix: `name one of ${NAMES}` });
  return set;
}

/** @throws UsageError for a file that the set has not, and for a checksum of it does not say which */
function pinsOf(set: PublishedSet, pins: readonly Pin[]): Map<string, string> {
  const names = set.files.map(fileName);
  return new Map(
    pins.map(({ file = names.length === 1 ? names[0] : undefined, digest }) => {
      if (file !== undefined && names.includes(file)) return [file, digest];
      const what = file === undefined ? 'does not say of which file it is' : `names ${file}, which ${set.name} has not`;
      throw new UsageError(`--sha256 ${what}`, {
        fix: `say --sha256 <file>=<digest>; the files are ${names.join(', ')}`,
      });
    }),
  );
}

/** @throws UsageError where nobody can be asked, HashgnnError where the answer is no */
async function requireConsent(
  set: PublishedSet,
  accepted: boolean,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { summary, address } = set.terms;
  const terms = `the terms of ${set.name}: ${summary}`;
  if (accepted) {
    output.say(`${terms}\nin full: ${address}`);
    return;
  }
  const fix = `read them at that address, and if you accept them run the command again with --accept-licence`;
  if (!canAsk()) throw new UsageError(`nobody is there to accept ${terms}`, { where: address, fix });
  if (!(await confirmed(`${terms}\nin full: ${address}\nDo you accept them?`, signal))) {
    throw new HashgnnError(`nothing was fetched: the terms of ${set.name} were not accepted`, { where: address, fix });
  }
}

/** The command that reads what is in the folder. */
function prepareCommand(set: PublishedSet, folder: string): string {
  const { files, items } = set.prepare;
  const path = (name: string) => quoted(join(folder, name));
  const titles = items === undefined ? [] : ['--items', path(items)];
  return ['hashgnn prepare', ...files.map(path), ...titles, '--out', `datasets/${set.name}`].join(' ');
}

function listed(set: PublishedSet) {
  const { name, title, page, terms, files } = set;
  return {
    ...{ name, title, page, terms },
    bytes: sizeOf(set) ?? null,
    files: files.map(({ address, bytes = null, checksum = null }) => ({ address, bytes, checksum })),
    prepare: prepareCommand(set, usualFolder(set)),
  };
}

function describeSet(set: PublishedSet): string {
  const { name, title, page, terms } = set;
  const bytes = sizeOf(set);
  return [
    `${name}  ${title}`,
    `  size: ${bytes === undefined ? 'not known before' : formatBytes(bytes)}`,
    `  page: ${page}`,
    `  terms: ${terms.summary} (${terms.address})`,
  ].join('\n');
}

function describeDownload(set: PublishedSet, { folder, files, unpacked }: Download, prepare: string): string {
  const members = Object.keys(unpacked);
  return [
    `${folder}: ${set.title}`,
    ...files.map(describeFile),
    ...(members.length > 0 ? [`  unpacked: ${members.join(', ')}`] : []),
    '',
    `next: ${prepare}`,
  ].join('\n');
}

function describeFile({ name, bytes, sha256, agreesWith }: DownloadedFile): string {
  const stated =
    agreesWith.length > 0
      ? `its checksum is that of ${agreesWith.join(', and of ')}`
      : 'nobody states its checksum: this one is recorded, and later downloads are compared with it';
  return `  ${name}: ${formatBytes(bytes)}, SHA-256 ${sha256}; ${stated}`;
}
