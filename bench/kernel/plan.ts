/** Makes of a shader and of what the user said about it what is dispatched, and finds everything that does not fit. */
import { InputError, UsageError } from '../../src/base/errors.js';
import {
  type ForeignBinding,
  type ForeignShader,
  type Gpu,
  type Grid,
  type Layout,
  type ScalarType,
  typeText,
} from '../../src/gpu/index.js';
import { eachScalar, fill, put, viewOf } from './bytes.js';
import type { Job, Side } from './job.js';

/** A buffer with what it holds before a dispatch. */
export interface Planned {
  readonly name: string;
  readonly access: ForeignBinding['access'];
  readonly layout: Layout;
  readonly bytes: Uint8Array;
}

const list = (names: readonly string[], none: string) => (names.length > 0 ? names.join(', ') : none);

/** The constants of one side as numbers. @throws UsageError where there is no such constant, or its type does not fit */
export function constantsOf(overrides: ForeignShader['overrides'], side: Side): Readonly<Record<string, number>> {
  const known = new Map(overrides.map((override) => [override.name, override]));
  const found: [string, number][] = [];
  for (const [name, text] of Object.entries(side.constants)) {
    const override = known.get(name);
    if (!override) {
      if (side.inherited?.includes(name)) continue;
      throw new UsageError(`the shader has no override constant ${name}`, {
        where: side.file,
        fix: known.size > 0 ? `its constants are ${[...known.keys()].join(', ')}` : 'it has none',
      });
    }
    const value = text === 'true' ? 1 : text === 'false' ? 0 : toScalar(text, `--constant ${name}`);
    const { type } = override;
    const integer = type === 'u32' || type === 'i32';
    if (integer && !fits(value, type)) {
      throw new UsageError(`the constant ${name} is ${type} and cannot be ${text}`, { where: side.file });
    }
    found.push([name, value]);
  }
  return Object.fromEntries(found);
}

function toScalar(text: string, what: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) {
    throw new UsageError(`${what} needs a number, not "${text}"`, { where: what });
  }
  return value;
}

function fits(value: number, type: ScalarType): boolean {
  if (type === 'u32') return value === value >>> 0;
  return type === 'i32' ? value === (value | 0) : Number.isFinite(value);
}

/** Workgroups along x, y and z. @throws UsageError where they are not given or beyond the device's limits */
export function gridFor(gpu: Gpu, job: Job, side: Side, shader: ForeignShader): Grid {
  const [x, y, z] = shader.workgroupSize;
  const { maxComputeInvocationsPerWorkgroup, maxComputeWorkgroupsPerDimension: limit } = gpu.limits;
  if (x * y * z > maxComputeInvocationsPerWorkgroup) {
    throw new InputError(
      `a workgroup has ${x * y * z} invocations, and the device allows ${maxComputeInvocationsPerWorkgroup}`,
      { where: side.file, fix: 'make @workgroup_size smaller' },
    );
  }
  const [columns, rows = 1, layers = 1] =
    side.workgroups ?? (job.invocations === undefined ? [] : [Math.ceil(job.invocations / (x * y * z))]);
  if (columns === undefined) {
    throw new UsageError('how many workgroups to dispatch is not said', {
      where: side.file,
      fix: 'give --workgroups X[,Y[,Z]], or --invocations N to have N divided by the size of a workgroup',
    });
  }
  const grid = [columns, rows, layers] as const;
  if (grid.some((count) => count > limit)) {
    throw new UsageError(`${grid.join(' × ')} workgroups: the device allows ${limit} along each dimension`, {
      where: side.file,
      fix: 'spread them over two dimensions by --workgroups X,Y, with a shader that expects it',
    });
  }
  return grid;
}

/**
 * All buffers with their contents.
 * @throws UsageError naming what is missing, unknown or does not fit; InputError where a size is beyond a limit
 */
export function planBuffers(gpu: Gpu, job: Job, shader: ForeignShader): Planned[] {
  const where = job.ours.file;
  const { bindings } = shader;
  requireNames(job, shader);
  const missing = bindings.filter(({ name, stride }) => stride > 0 && job.sizes[name] === undefined);
  if (missing.length > 0) {
    const names = missing.map(({ name }) => name);
    throw new UsageError(`the length of ${names.join(' and of ')} is not known: only the buffer's size tells it`, {
      where,
      fix: `give the number of elements: ${names.map((name) => `--size ${name}=N`).join(' ')}`,
    });
  }
  const storages = bindings.filter(({ access }) => access !== 'uniform').length;
  if (storages > gpu.limits.maxStorageBuffersPerShaderStage) {
    throw new InputError(
      `the shader binds ${storages} storage buffers, and the device allows ${gpu.limits.maxStorageBuffersPerShaderStage}`,
      { where },
    );
  }
  // Names in order: the same contents whatever the numbers of the bindings.
  const order = bindings.map(({ name }) => name).sort();
  const bytesOf = new Map(bindings.map((binding) => [binding.name, sizeOf(gpu, job, binding)]));
  const values = new Map(
    Object.entries(job.sets).map(([key, text]) => [key, { text, place: placeOf(key, shader, job) }]),
  );
  return bindings.map(({ name, access, layout }) => {
    const bytes = new Uint8Array(bytesOf.get(name)!);
    const how = job.fills[name] ?? (access === 'uniform' ? undefined : 'random');
    if (how !== undefined) fill(bytes, layout, how, job.seed, order.indexOf(name));
    if (access === 'uniform') setUniform(bytes, name, layout, how !== undefined, values, where);
    return { name, access, layout, bytes };
  });
}

/** Every name that the user said must be that of a buffer that it can be said of. */
function requireNames(job: Job, { bindings, entry }: ForeignShader): void {
  const where = job.ours.file;
  const sized = bindings.filter(({ stride }) => stride > 0).map(({ name }) => name);
  for (const name of Object.keys(job.sizes)) {
    const binding = bindings.find((other) => other.name === name);
    if (binding?.stride) continue;
    throw new UsageError(
      binding
        ? `${name} has a fixed size, ${binding.fixedBytes} bytes by its type: no --size can be given for it`
        : `--size ${name}: ${entry} uses no buffer ${name}`,
      { where, fix: `--size is for ${list(sized, 'runtime-sized arrays, and there is none')}` },
    );
  }
  for (const name of Object.keys(job.fills)) {
    if (bindings.some((binding) => binding.name === name)) continue;
    throw new UsageError(`--fill ${name}: ${entry} uses no buffer ${name}`, {
      where,
      fix: `its buffers are ${list(
        bindings.map((binding) => binding.name),
        'none',
      )}`,
    });
  }
}

function sizeOf(gpu: Gpu, job: Job, { name, access, fixedBytes, stride }: ForeignBinding): number {
  const wanted = fixedBytes + stride * (job.sizes[name] ?? 0);
  // Buffers are written and copied in words of four bytes; a uniform struct is a multiple of sixteen.
  const unit = access === 'uniform' ? 16 : 4;
  const bytes = Math.max(unit, Math.ceil(wanted / unit) * unit);
  const { maxBufferSize, maxStorageBufferBindingSize, maxUniformBufferBindingSize } = gpu.limits;
  const limit = Math.min(
    maxBufferSize,
    access === 'uniform' ? maxUniformBufferBindingSize : maxStorageBufferBindingSize,
  );
  if (bytes > limit) {
    const most = stride > 0 ? Math.floor((limit - fixedBytes) / stride) : 0;
    throw new InputError(`${name} would have ${bytes} bytes, and the device binds ${limit} at most`, {
      where: gpu.name,
      fix: stride > 0 ? `--size ${name}=${most} is the largest` : 'make its type smaller',
    });
  }
  return bytes;
}

interface Place {
  readonly variable: string;
  readonly offset: number;
  readonly layout: Layout;
}

/** What a key of `--set` stands for: a uniform, `uniform.member`, or a member by itself where only one has the name. */
function placeOf(key: string, { bindings }: ForeignShader, job: Job): Place {
  const where = job.ours.file;
  const uniforms = bindings.filter(({ access }) => access === 'uniform');
  const [first = '', ...path] = key.split('.');
  const whole = uniforms.find(({ name }) => name === first);
  const starts = whole
    ? [{ variable: whole.name, offset: 0, layout: whole.layout, path }]
    : uniforms.map(({ name, layout }) => ({ variable: name, offset: 0, layout, path: [first, ...path] }));
  const found = starts.flatMap(({ variable, offset, layout, path: names }) => {
    let place: Place | undefined = { variable, offset, layout };
    for (const name of names) {
      const member: { offset: number; layout: Layout } | undefined =
        place?.layout.kind === 'struct' ? place.layout.members.find((other) => other.name === name) : undefined;
      place = place && member && { variable, offset: place.offset + member.offset, layout: member.layout };
    }
    return place ? [place] : [];
  });
  if (found.length > 1) {
    throw new UsageError(`--set ${key}: ${found.map(({ variable }) => variable).join(' and ')} both have it`, {
      where,
      fix: `write --set ${found[0]!.variable}.${key}=…`,
    });
  }
  if (found.length === 0) {
    const known = uniforms.flatMap(({ name, layout }) =>
      layout.kind === 'struct' ? layout.members.map((member) => `${name}.${member.name}`) : [name],
    );
    throw new UsageError(`--set ${key}: there is no such uniform or member of one`, {
      where,
      fix: `there ${known.length === 1 ? 'is' : 'are'} ${list(known, 'no uniforms')}`,
    });
  }
  return found[0]!;
}

/** Writes what was set into one uniform; what was neither set nor filled must be padding by its name. */
function setUniform(
  bytes: Uint8Array,
  name: string,
  layout: Layout,
  filled: boolean,
  values: ReadonlyMap<string, { text: string; place: Place }>,
  where: string,
): void {
  const view = viewOf(bytes);
  const done = new Set<number>();
  for (const [key, { text, place }] of values) {
    if (place.variable !== name) continue;
    const places: [number, ScalarType][] = [];
    eachScalar(place.layout, place.offset, bytes.length, (at, type) => places.push([at, type]));
    const numbers = text.split(',').map((part) => toScalar(part, `--set ${key}`));
    if (numbers.length !== places.length) {
      throw new UsageError(`--set ${key} needs ${places.length} numbers, not ${numbers.length}`, {
        where,
        fix: places.length === 1 ? 'give one' : 'separate them by commas',
      });
    }
    places.forEach(([at, type], index) => {
      const value = numbers[index]!;
      if (!fits(value, type)) throw new UsageError(`--set ${key} is ${type} and cannot be ${value}`, { where });
      put(view, at, type, value);
      done.add(at);
    });
  }
  if (filled) return;
  const members = layout.kind === 'struct' ? layout.members : [{ name: '', offset: 0, layout }];
  const missing = members.filter((member) => {
    let complete = true;
    eachScalar(member.layout, member.offset, bytes.length, (at) => {
      complete &&= done.has(at);
    });
    return !complete && !/^_|pad/i.test(member.name);
  });
  if (missing.length === 0) return;
  const keys = missing.map((member) => (member.name ? `${name}.${member.name}` : name));
  throw new UsageError(`the value of ${keys.join(' and of ')} is not given`, {
    where,
    fix: `${keys.map((key) => `--set ${key}=…`).join(' ')}, or --fill ${name}=zero`,
  });
}

/** @throws InputError where two shaders do not bind the same buffers by name and type */
export function requireSameBindings(ours: ForeignShader, other: ForeignShader, files: readonly [string, string]): void {
  const where = files.join(' and ');
  const describe = ({ access, layout }: ForeignBinding) =>
    `${access === 'uniform' ? 'uniform' : 'storage'} ${typeText(layout)}`;
  const others = new Map(other.bindings.map((binding) => [binding.name, binding]));
  for (const binding of ours.bindings) {
    const found = others.get(binding.name);
    if (!found) {
      throw new InputError(`${files[1]} uses no buffer ${binding.name}, which ${files[0]} uses`, {
        where,
        fix: 'both must bind the same names',
      });
    }
    if (describe(found) !== describe(binding) || found.fixedBytes !== binding.fixedBytes) {
      throw new InputError(
        `${binding.name} is ${describe(binding)} in ${files[0]} and ${describe(found)} in ${files[1]}`,
        { where, fix: 'both must bind the same types' },
      );
    }
    others.delete(binding.name);
  }
  const [extra] = others.keys();
  if (extra !== undefined) {
    throw new InputError(`${files[1]} uses a buffer ${extra}, which ${files[0]} does not use`, {
      where,
      fix: 'both must bind the same names',
    });
  }
}
