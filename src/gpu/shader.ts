import { ResourceType, WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { ShaderError } from './errors.js';

/** The scalar types that a tensor can hold. */
export type ElementType = 'f32' | 'i32' | 'u32';

/** One storage binding of a kernel: an array of scalars, vectors or atomics, or an image of vectors (`images.ts`). */
export interface BindingInfo {
  readonly name: string;
  readonly binding: number;
  readonly element: ElementType;
  /** Scalars in one array element: 1, 2 or 4. A tensor bound here holds a multiple of it. */
  readonly width: number;
  readonly access: 'read' | 'read_write';
  readonly image: boolean;
}

/** A number that a dispatch gives its kernel. */
export interface ParameterInfo {
  readonly name: string;
  readonly type: ElementType;
}

/** One that the uniform struct has. */
export interface MemberInfo extends ParameterInfo {
  readonly offset: number;
}

/** One `override` of a kernel that has a value. */
export interface ConstantInfo {
  readonly name: string;
  readonly default: number;
}

/** What reflection tells about one shader file. */
export interface ShaderInfo {
  readonly name: string;
  /** The whole text after `#import`, as the compiler sees it. */
  readonly code: string;
  readonly bindings: readonly BindingInfo[];
  readonly uniform:
    | { readonly binding: number; readonly size: number; readonly parameters: readonly MemberInfo[] }
    | undefined;
  /** Parameters that the compiler is to know: each `override` without a value. */
  readonly compiled: readonly ParameterInfo[];
  readonly constants: readonly ConstantInfo[];
  /** Invocations of a workgroup along x, y and z: a number or the name of an override. */
  readonly workgroupSize: readonly (number | string)[];
  /** Optional features that the shader enables. */
  readonly enables: readonly string[];
  /** Where line `n` (from 1) of `code` comes from: `shaders/….wgsl:line`. */
  origin(line: number): string;
}

/** All shaders by name (`dense/forward`), imports resolved and reflected on first use. */
export class ShaderLibrary {
  readonly #sources: ReadonlyMap<string, string>;
  readonly #infos = new Map<string, ShaderInfo>();

  constructor(sources: ReadonlyMap<string, string>) {
    this.#sources = sources;
  }

  /** The names of all kernels: every file outside `lib/`, in order. */
  kernels(): string[] {
    return [...this.#sources.keys()].filter((name) => !name.startsWith('lib/')).sort();
  }

  /**
   * The reflected shader of a kernel.
   * @throws ShaderError where the file is missing, does not parse or breaks a house rule
   */
  get(name: string): ShaderInfo {
    let info = this.#infos.get(name);
    if (!info) {
      info = reflect(name, this.#expand(name));
      this.#infos.set(name, info);
    }
    return info;
  }

  /**
   * The whole text of a shader after `#import`, unreflected: for shaders that follow no house rule.
   * @param file what the lines of the shader itself are called in errors
   * @throws ShaderError where an import does not exist
   */
  expand(name: string, file: string): Pick<ShaderInfo, 'code' | 'origin'> {
    const lines = this.#expand(name, file);
    return {
      code: lines.map((line) => line.text).join('\n'),
      origin: (line) => lines[line - 1]?.origin ?? file,
    };
  }

  #expand(name: string, file = `shaders/${name}.wgsl`): Line[] {
    const enables: Line[] = [];
    const lines: Line[] = [];
    const seen = new Set<string>();
    const visit = (shader: string, importedAt?: string) => {
      const source = this.#sources.get(shader);
      if (source === undefined) {
        throw new ShaderError(`there is no shader ${shader}`, { where: importedAt ?? `shaders/${shader}.wgsl` });
      }
      source.split('\n').forEach((text, index) => {
        const origin = `${shader === name ? file : `shaders/${shader}.wgsl`}:${index + 1}`;
        const imported = /^#import\s+(\S+)\s*$/.exec(text)?.[1];
        if (imported === undefined) {
          // Directives must precede all declarations, also those of the imported files.
          (/^(enable|requires|diagnostic)\b/.test(text) ? enables : lines).push({ text, origin });
        } else if (!seen.has(imported)) {
          seen.add(imported);
          visit(`lib/${imported}`, origin);
        }
      });
    };
    visit(name);
    return [...enables, ...lines];
  }
}

interface Line {
  readonly text: string;
  readonly origin: string;
}

function reflect(name: string, lines: readonly Line[]): ShaderInfo {
  const code = lines.map((line) => line.text).join('\n');
  const origin = (line: number) => lines[line - 1]?.origin ?? `shaders/${name}.wgsl`;
  const where = `shaders/${name}.wgsl`;
  let reflection: WgslReflect;
  try {
    reflection = new WgslReflect(code);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const line = Number(/line:?\s*(\d+)/i.exec(text)?.[1] ?? Number.NaN);
    // The line that the parser names is one of the expanded text.
    const said = text.replace(/[.,;\s]*line:?\s*\d+.*$/is, '');
    throw new ShaderError(`the shader does not parse: ${said}`, { where: Number.isNaN(line) ? where : origin(line) });
  }
  const size = /@workgroup_size\(([^)]*)\)/.exec(code)?.[1];
  if (size === undefined)
    throw new ShaderError('the shader has no compute entry point with a workgroup size', { where });
  const bindings = reflection.storage.map((variable): BindingInfo => {
    const image = variable.resourceType === ResourceType.StorageTexture;
    if (image) requireImage(variable, where);
    const { element, width } = image
      ? IMAGE_ELEMENT
      : elementOf(String(variable.type.name), variable.format, where, variable.name);
    return {
      name: variable.name,
      binding: variable.binding,
      element,
      width,
      access: variable.access === 'read_write' ? 'read_write' : 'read',
      image,
    };
  });
  const uniforms = reflection.uniforms;
  if (uniforms.length > 1) throw new ShaderError('a kernel has one uniform struct at most', { where });
  const uniform = uniforms[0];
  return {
    name,
    code,
    origin,
    bindings: bindings.sort((a, b) => a.binding - b.binding),
    uniform: uniform && {
      binding: uniform.binding,
      size: uniform.size,
      parameters: (uniform.members ?? []).map((member) => ({
        name: member.name,
        type: scalarOf(member.type.name, where, `${uniform.name}.${member.name}`),
        offset: member.offset,
      })),
    },
    compiled: [...code.matchAll(/^override\s+(\w+)\s*:\s*(\w+)\s*;/gm)].map((match) => ({
      name: match[1]!,
      type: scalarOf(match[2]!, where, match[1]!),
    })),
    constants: [...code.matchAll(/^override\s+(\w+)\s*:\s*\w+\s*=\s*(-?[\d.]+)/gm)].map((match) => ({
      name: match[1]!,
      default: Number(match[2]),
    })),
    workgroupSize: size
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean)
      .map((part) => (/^\d/.test(part) ? Number.parseInt(part, 10) : part)),
    enables: [...code.matchAll(/^enable\s+([^;]+);/gm)].flatMap((match) =>
      match[1]!.split(',').map((part) => part.trim()),
    ),
  };
}

/** What a texel of an image is of a tensor: a vector of four floats. */
const IMAGE_ELEMENT = { element: 'f32', width: 4 } as const;

/** @throws ShaderError where a storage texture is no image as `Images` makes them */
function requireImage({ name, access, type }: { name: string; access: string; type: TypeLike }, where: string): void {
  const format = type.format?.name;
  if (type.name !== 'texture_storage_2d' || format !== 'rgba32float' || access !== 'read') {
    throw new ShaderError(`${name} is a texture; those that are read as images of tensors are supported`, {
      where,
      fix: 'declare it as texture_storage_2d<rgba32float, read>',
    });
  }
}

interface TypeLike {
  readonly name: string;
  readonly format?: TypeLike | null;
}

function elementOf(
  container: string,
  format: TypeLike | null | undefined,
  where: string,
  variable: string,
): { element: ElementType; width: number } {
  if (container !== 'array' || !format) {
    throw new ShaderError(`storage variable ${variable} is not an array`, { where });
  }
  const short = /^vec([24])([fiu])$/.exec(format.name);
  if (short) return { element: `${short[2]}32` as ElementType, width: Number(short[1]) };
  const long = /^vec([24])$/.exec(format.name);
  if (long && format.format) return { element: scalarOf(format.format.name, where, variable), width: Number(long[1]) };
  if (format.name === 'atomic' && format.format) {
    return { element: scalarOf(format.format.name, where, variable), width: 1 };
  }
  return { element: scalarOf(format.name, where, variable), width: 1 };
}

function scalarOf(type: string, where: string, variable: string): ElementType {
  if (type === 'f32' || type === 'i32' || type === 'u32') return type;
  throw new ShaderError(`${variable} has type ${type}; f32, i32, u32, their vectors and atomics are supported`, {
    where,
  });
}
