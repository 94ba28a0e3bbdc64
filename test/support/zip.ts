/** Zip archives, sound ones and others. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipMember {
  readonly name: string;
  readonly content: string | Buffer;
  /** Unix mode with the kind of the file in it; a regular file unless told. */
  readonly mode?: number;
  /** What the archive says of the content, where that is not the truth. */
  readonly said?: { readonly size?: number; readonly crc?: number };
  readonly encrypted?: boolean;
}

/** An archive of the members, deflated, as Unix programs write it. */
export function zipOf(members: readonly ZipMember[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, content, mode = 0o100644, said = {}, encrypted = false } of members) {
    const plain = Buffer.from(content);
    const packed = deflateRawSync(plain);
    const { size = plain.length, crc = crc32(plain) } = said;
    // Version, flags, method, time and date, checksum, sizes, lengths of name and extra fields.
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0);
    shared.writeUInt16LE(encrypted ? 1 : 0, 2);
    shared.writeUInt16LE(8, 4);
    shared.writeUInt32LE(crc, 10);
    shared.writeUInt32LE(packed.length, 14);
    shared.writeUInt32LE(size, 18);
    shared.writeUInt16LE(Buffer.byteLength(name), 22);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(mode * 2 ** 16, 6);
    rest.writeUInt32LE(offset, 10);
    const piece = Buffer.concat([Buffer.from('PK\x03\x04'), shared, Buffer.from(name), packed]);
    local.push(piece);
    central.push(Buffer.from('PK\x01\x02\x14\x03'), shared, rest, Buffer.from(name));
    offset += piece.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(members.length, 4);
  end.writeUInt16LE(members.length, 6);
  end.writeUInt32LE(directory.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...local, directory, Buffer.from('PK\x05\x06'), end]);
}
