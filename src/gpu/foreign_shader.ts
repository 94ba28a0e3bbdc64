/** What can be known of a compute shader that follows none of the house rules: its entry, bindings and their layouts. */
import type { FunctionInfo, TypeInfo } from 'wgsl_reflect';
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { UsageError } from '../base/errors.js';
import { ShaderError } from './errors.js';

export type ScalarType = 'f32' | 'f16' | 'i32' | 'u32';

/** Where the scalars of a type lie; vectors and matrices are arrays, atomics scalars. Offsets and strides are bytes. */
export type Layout =
  | { readonly kind: 'scalar'; readonly type: ScalarType }
  /** `count` is 0 where only the buffer's size tells it. */
  | { readonly kind: 'array'; readonly count: number; readonly stride: number; readonly element: Layout }
  | {
      readonly kind: 'struct';
      readonly name: string;
      readonly members: readonly { readonly name: string; readonly offset: number; readonly layout: Layout }[];
    };

/** A buffer that the entry point uses. */
export interface ForeignBinding {
  readonly name: string;
  readonly binding: number;
  readonly access: 'read' | 'read_write' | 'uniform';
  readonly layout: Layout;
  /** Bytes before the runtime-sized array, or of the whole where there is none. */
  readonly fixedBytes: number;
  /** Bytes from one element of the runtime-sized array to the next; 0 where there is none. */
  readonly stride: number;
}

export interface ForeignShader {
  readonly entry: string;
  readonly bindings: readonly ForeignBinding[];
  /** Constants by name: `key` is what the pipeline calls them. */
  readonly overrides: readonly { readonly name: string; readonly key: string; readonly type: string | undefined }[];
  /** With the constants given. */
  readonly workgroupSize: readonly [number, number, number];
}

/** What reflection calls the kinds of resources. */
const KINDS = ['uniform', 'storage', 'immediate', 'texture', 'sampler', 'storage texture'] as const;

/**
 * @param code the text after `#import`, which the compiler has accepted
 * @param file its name in errors
 * @param entry the entry point wanted; the only one unless told
 * @param constants values of `override` constants, which the workgroup's size may depend on
 * @throws UsageError where there is no such entry, or several and none is named; ShaderError where the shader needs
 * something other than buffers of group 0, or reflection cannot read it
 */
export function reflectForeign(
  code: string,
  file: string,
  entry: string | undefined,
  constants: Readonly<Record<string, number>>,
): ForeignShader {
  let reflection: WgslReflect;
  try {
    reflection = new WgslReflect(code);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new ShaderError(`the compiler accepts the shader, but reflection cannot read it: ${said}`, {
      where: file,
      fix: 'write that line more simply',
    });
  }
  const entries = reflection.entry.compute;
  const names = entries.map(({ name }) => name);
  if (entries.length === 0) {
    throw new ShaderError('the shader has no compute entry point', {
      where: file,
      fix: 'mark a function as a compute entry point, and give it the size of its workgroups',
    });
  }
  if (entry === undefined && entries.length > 1) {
    throw new UsageError(`the shader has ${entries.length} compute entry points: ${names.join(', ')}`, {
      where: file,
      fix: `choose one by --entry, as --entry ${names[0]}`,
    });
  }
  const found = entries.find(({ name }) => entry === undefined || name === entry);
  if (!found) {
    throw new UsageError(`the shader has no compute entry point ${entry}`, {
      where: file,
      fix: `its compute entry points: ${names.join(', ')}`,
    });
  }
  const bindings = found.resources.map((variable): ForeignBinding => {
    const kind = KINDS[variable.resourceType] ?? 'resource';
    if (kind !== 'uniform' && kind !== 'storage') {
      throw new ShaderError(`${variable.name} is a ${kind}, which is not supported`, {
        where: file,
        fix: 'only storage and uniform buffers can be bound here: read the data from a storage buffer instead',
      });
    }
    if (variable.group !== 0) {
      throw new ShaderError(`${variable.name} is in group ${variable.group}; only group 0 is supported`, {
        where: file,
        fix: 'put it into group 0, with a binding number of its own',
      });
    }
    const layout = layoutOf(variable.type, variable.name, file);
    return {
      name: variable.name,
      binding: variable.binding,
      access: kind === 'uniform' ? 'uniform' : variable.access === 'read_write' ? 'read_write' : 'read',
      layout,
      ...extentOf(layout, variable.type.size),
    };
  });
  return {
    entry: found.name,
    bindings: bindings.sort((one, other) => one.binding - other.binding),
    overrides: reflection.overrides.map(({ name, id, type, attributes }) => ({
      name,
      key: attributes?.some((attribute) => attribute.name === 'id') ? String(id) : name,
      type: type?.name,
    })),
    workgroupSize: workgroupSizeOf(found, code, file, constants),
  };
}

/**
 * Reflection evaluates defaults alone: where the size of a workgroup is a constant, the value given for it counts.
 * @throws ShaderError where the constant's default is computed, perhaps from others, and it is not given itself
 */
function workgroupSizeOf(
  entry: FunctionInfo,
  code: string,
  file: string,
  constants: Readonly<Record<string, number>>,
): [number, number, number] {
  const written = entry.attributes?.find(({ name }) => name === 'workgroup_size')?.value ?? [];
  const parts = (Array.isArray(written) ? written : [written]).map((part, axis) => {
    // Digits may be hexadecimal, and end with the letter of their type.
    if (/^\d/.test(part)) return Number.parseInt(part, part.startsWith('0x') ? 16 : 10);
    const computed = new RegExp(`\\boverride\\s+${part}\\b[^=;]*=(?!\\s*[\\w.]+\\s*;)`).test(code);
    if (constants[part] === undefined && computed) {
      throw new ShaderError(`the size of a workgroup is ${part}, whose default is computed`, {
        where: file,
        fix: `say its value: --constant ${part}=…`,
      });
    }
    return constants[part] ?? entry.workgroupSize?.[axis] ?? 1;
  });
  const [x = 1, y = 1, z = 1] = parts;
  return [x, y, z];
}

function extentOf(layout: Layout, size: number): { fixedBytes: number; stride: number } {
  if (layout.kind === 'array' && layout.count === 0) return { fixedBytes: 0, stride: layout.stride };
  const last = layout.kind === 'struct' ? layout.members.at(-1) : undefined;
  if (last?.layout.kind === 'array' && last.layout.count === 0) {
    return { fixedBytes: last.offset, stride: last.layout.stride };
  }
  return { fixedBytes: size, stride: 0 };
}

const SHORT = { f: 'f32', h: 'f16', i: 'i32', u: 'u32' } as const;

function layoutOf(type: TypeInfo, variable: string, file: string): Layout {
  // The kinds of type differ in what they have beside a name.
  const { name, format, count, stride, members } = type as TypeInfo & {
    format?: TypeInfo | null;
    count?: number;
    stride?: number;
    members?: readonly { name: string; offset: number; type: TypeInfo }[];
  };
  if (type.isStruct && members) {
    return {
      kind: 'struct',
      name,
      members: members.map((member) => ({
        name: member.name,
        offset: member.offset,
        layout: layoutOf(member.type, `${variable}.${member.name}`, file),
      })),
    };
  }
  if (type.isArray && format) {
    return { kind: 'array', count: count ?? 0, stride: stride ?? 0, element: layoutOf(format, variable, file) };
  }
  const several = /^(?:vec|mat(?<columns>[234])x)(?<rows>[234])(?<short>[fhiu])?$/.exec(name)?.groups;
  const scalar = several?.short ? SHORT[several.short as keyof typeof SHORT] : (format?.name ?? name);
  if (scalar !== 'f32' && scalar !== 'f16' && scalar !== 'i32' && scalar !== 'u32') {
    throw new ShaderError(`${variable} holds ${scalar}, which is not supported`, {
      where: file,
      fix: 'use f32, f16, i32, u32, their vectors, matrices and atomics, arrays and structs of them',
    });
  }
  const one: Layout = { kind: 'scalar', type: scalar };
  if (!several) return one;
  const bytes = scalar === 'f16' ? 2 : 4;
  const rows = Number(several.rows);
  const vector: Layout = { kind: 'array', count: rows, stride: bytes, element: one };
  if (several.columns === undefined) return vector;
  return { kind: 'array', count: Number(several.columns), stride: (rows === 2 ? 2 : 4) * bytes, element: vector };
}

/** A layout in words, the same for the same places of the same scalars. */
export function typeText(layout: Layout): string {
  if (layout.kind === 'scalar') return layout.type;
  if (layout.kind === 'array') return `${layout.count || 'any number'} of ${typeText(layout.element)}`;
  return `{ ${layout.members.map(({ name, layout: member }) => `${name}: ${typeText(member)}`).join(', ')} }`;
}
