/**
 * Data sets that others publish: where their files lie, what checksums they have and who says so, under which terms they
 * come, and how they are prepared. Nothing here touches the network; `src/download` fetches what stands here.
 */
import { basename } from 'node:path';

/** A digest of a published file, with where it was taken from: a checksum is worth as much as its source. */
export interface PublishedChecksum {
  readonly algorithm: 'sha256' | 'md5';
  /** In hexadecimal, small letters. */
  readonly digest: string;
  readonly source: string;
}

/** A file as its publisher offers it. */
export interface PublishedFile {
  readonly address: string;
  /** Size, where a source tells it; what comes is held against the checksum, and not against this. */
  readonly bytes?: number;
  /** Where no source tells one, what came first is remembered and later downloads are compared with it. */
  readonly checksum?: PublishedChecksum;
  /** The publisher's own statement of the MD5, a small text file. */
  readonly md5Address?: string;
  /** Of a zip archive: the members that are unpacked beside it, each under the last part of its path. */
  readonly members?: readonly string[];
}

/** A published data set. */
export interface PublishedSet {
  readonly name: string;
  /** What it is, and how much of it there is. */
  readonly title: string;
  /** The publisher's page on the data set. */
  readonly page: string;
  readonly terms: {
    /** What the terms come down to, in our words. */
    readonly summary: string;
    /** Where they stand in full. */
    readonly address: string;
  };
  readonly files: readonly PublishedFile[];
  /** What `hashgnn prepare` reads, by the names in the folder: all interactions, and titles of items. */
  readonly prepare: { readonly files: readonly string[]; readonly items?: string };
}

const GROUPLENS = 'https://files.grouplens.org/datasets/movielens';
const TENSORFLOW_DATASETS = 'TensorFlow Datasets (tensorflow_datasets/url_checksums/movielens.txt)';
const OMNIREC = 'OmniRec (github.com/ISG-Siegen/OmniRec)';
const LIGHTGCN = 'https://raw.githubusercontent.com/kuandeng/LightGCN/master/Data/gowalla';
const RECZOO = 'RecZoo (its data set Gowalla_m1) and DeepHypergraph (its data set of Gowalla)';
const NCF = 'https://raw.githubusercontent.com/hexiangnan/neural_collaborative_filtering/master/Data';
const SNAP_PAGE = 'https://snap.stanford.edu/data/loc-gowalla.html';

const MOVIELENS_TERMS =
  'For research. Name GroupLens and cite Harper and Konstan (TiiS 2015) in what you publish, and claim no endorsement ' +
  'by it or its university; some editions of the terms ask for a copy of the publication. Passing the data on, and any ' +
  'commercial use, needs their permission first.';

function movielens(
  size: '100k' | '1m' | '10m',
  ratings: string,
  file: { readonly bytes: number; readonly checksum: PublishedChecksum; readonly members: readonly string[] },
  readme: string,
  prepare: PublishedSet['prepare'],
): PublishedSet {
  const address = `${GROUPLENS}/ml-${size}.zip`;
  return {
    name: `ml-${size}`,
    title: `MovieLens ${size.toUpperCase()}: ${ratings}`,
    page: `https://grouplens.org/datasets/movielens/${size}/`,
    terms: { summary: MOVIELENS_TERMS, address: `${GROUPLENS}/${readme}` },
    files: [{ address, md5Address: `${address}.md5`, ...file }],
    prepare,
  };
}

/** Every data set that can be fetched by name, in the order in which they are listed. */
export const CATALOGUE: readonly PublishedSet[] = [
  movielens(
    '100k',
    '100,000 ratings of 943 users and 1,682 films, with times',
    {
      bytes: 4_924_029,
      checksum: {
        algorithm: 'sha256',
        digest: '50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229',
        source: TENSORFLOW_DATASETS,
      },
      members: ['ml-100k/README', 'ml-100k/u.data', 'ml-100k/u.item'],
    },
    'ml-100k-README.txt',
    { files: ['u.data'], items: 'u.item' },
  ),
  movielens(
    '1m',
    '1,000,209 ratings of 6,040 users and 3,706 films, with times',
    {
      bytes: 5_917_549,
      checksum: {
        algorithm: 'sha256',
        digest: 'a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20',
        source: TENSORFLOW_DATASETS,
      },
      members: ['ml-1m/README', 'ml-1m/ratings.dat', 'ml-1m/movies.dat'],
    },
    'ml-1m-README.txt',
    { files: ['ratings.dat'], items: 'movies.dat' },
  ),
  movielens(
    '10m',
    '10,000,054 ratings, with times',
    {
      bytes: 65_566_137,
      checksum: {
        algorithm: 'sha256',
        digest: '813c411ccb6122564edfe752e7f80c4dcc5aa25fa94c93622f6877a7ba252862',
        source: OMNIREC,
      },
      members: ['ml-10M100K/README.html', 'ml-10M100K/ratings.dat', 'ml-10M100K/movies.dat'],
    },
    'ml-10m-README.html',
    { files: ['ratings.dat'], items: 'movies.dat' },
  ),
  {
    name: 'gowalla',
    title: 'Gowalla as NGCF and LightGCN split it: 1,027,370 pairs of 29,858 users and 40,981 places',
    page: 'https://github.com/kuandeng/LightGCN',
    terms: {
      summary:
        'The repository states no licence for the data, so no right beyond research use can be assumed. The check-ins ' +
        'come from SNAP, which asks for a citation of Cho, Myers and Leskovec (KDD 2011); the split is LightGCN’s (He et ' +
        'al., SIGIR 2020).',
      address: SNAP_PAGE,
    },
    files: [
      {
        address: `${LIGHTGCN}/train.txt`,
        bytes: 4_633_414,
        checksum: { algorithm: 'md5', digest: '5eec1eb2edb8dd648377d348b8e136cf', source: RECZOO },
      },
      {
        address: `${LIGHTGCN}/test.txt`,
        bytes: 1_372_559,
        checksum: { algorithm: 'md5', digest: 'c04e2c4bcd2389f53ed8281816166149', source: RECZOO },
      },
    ],
    prepare: { files: ['train.txt', 'test.txt'] },
  },
  {
    name: 'gowalla-checkins',
    title: 'Gowalla as SNAP has it: 6,442,890 check-ins, with times',
    page: SNAP_PAGE,
    terms: {
      summary:
        'The page states no licence, so no right beyond research use can be assumed. SNAP asks for a citation of Cho, ' +
        'Myers and Leskovec (KDD 2011). The data says where people were and when.',
      address: SNAP_PAGE,
    },
    files: [
      {
        address: 'https://snap.stanford.edu/data/loc-gowalla_totalCheckins.txt.gz',
        bytes: 105_470_044,
        checksum: {
          algorithm: 'sha256',
          digest: 'c1c3e19effba649b6c89aeab3c1f9459fad88cfdc2b460fc70fd54e295d83ea0',
          source: OMNIREC,
        },
      },
    ],
    prepare: { files: ['loc-gowalla_totalCheckins.txt.gz'] },
  },
  {
    name: 'pinterest',
    title: 'Pinterest as NCF has it: 1,500,809 pins of 55,187 users with 20 or more',
    page: 'https://github.com/hexiangnan/neural_collaborative_filtering',
    terms: {
      summary:
        'The repository is under the Apache License 2.0 and says nothing else of its data, which are ids of pins that ' +
        'belong to others. Cite Geng et al. (ICCV 2015) and He et al. (WWW 2017).',
      address: 'https://github.com/hexiangnan/neural_collaborative_filtering/blob/master/LICENSE',
    },
    files: ['train.rating', 'test.rating'].map((part) => ({
      address: `${NCF}/pinterest-20.${part}`,
    })),
    prepare: { files: ['pinterest-20.train.rating', 'pinterest-20.test.rating'] },
  },
];

/** Where a set is put unless another folder is named. */
export function usualFolder(set: PublishedSet): string {
  return `downloads/${set.name}`;
}

/** Bytes that are fetched for a set; undefined where no source tells the size of a file. */
export function sizeOf(set: PublishedSet): number | undefined {
  return set.files.reduce<number | undefined>(
    (sum, { bytes }) => (sum === undefined || bytes === undefined ? undefined : sum + bytes),
    0,
  );
}

/** The name under which a published file is kept. */
export function fileName(file: PublishedFile): string {
  return basename(new URL(file.address).pathname);
}

/** The names that the members of an archive have once they are unpacked beside it. */
export function unpackedNames(file: PublishedFile): string[] {
  return (file.members ?? []).map((member) => basename(member));
}

/** A set of the catalogue; undefined where there is none of this name. */
export function publishedSet(name: string): PublishedSet | undefined {
  return CATALOGUE.find((set) => set.name === name);
}
