/** Numbers on a command line. */
import { InvalidArgumentError } from 'commander';

/** A whole number of at least 1. */
export function toCount(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('Expected a whole number from 1.');
  return value;
}

/** A whole number of at least 0. */
export function toWhole(text: string): number {
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw new InvalidArgumentError('Expected a whole number.');
  }
  return Number(text);
}

export function toNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

const UNITS: Record<string, number> = {
  '': 2 ** 20,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
};

/** A size such as 2GiB or 500MB, in bytes; a number alone is MiB. */
export function toBytes(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const scale = UNITS[(unit ?? '').toUpperCase()];
  if (number === undefined || scale === undefined) throw new InvalidArgumentError('Expected a size such as 2GiB.');
  return Math.floor(Number(number) * scale);
}
