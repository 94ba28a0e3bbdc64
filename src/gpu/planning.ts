/** A device that holds nothing and computes nothing, for `Gpu.planner`. */

/** What has no size and no contents: layouts, pipelines, modules. */
const nothing = () => ({});

/**
 * A device with the features and limits of another one on which everything succeeds at once: buffers have a size and no
 * memory, and what is read back is zero. It has of WebGPU what `src/gpu` uses.
 * @param unbounded buffers may have any size
 */
export function planningDevice({ limits, features }: GPUDevice, unbounded: boolean): GPUDevice {
  const anySize = unbounded ? ['maxBufferSize', 'maxStorageBufferBindingSize', 'maxTextureDimension2D'] : [];
  const pass = { setPipeline() {}, setBindGroup() {}, dispatchWorkgroups() {}, end() {} };
  const device = {
    features,
    // The limits are getters of a class of Dawn's and cannot be copied as an object.
    limits: new Proxy(limits, {
      get: (target, name) => (anySize.includes(String(name)) ? Number.MAX_SAFE_INTEGER : Reflect.get(target, name)),
    }),
    lost: new Promise(() => {}),
    addEventListener() {},
    pushErrorScope() {},
    popErrorScope: async () => null,
    createBuffer: ({ size }: GPUBufferDescriptor) => ({
      size,
      mapAsync: async () => {},
      getMappedRange: (_: number, bytes: number) => new ArrayBuffer(bytes),
      unmap() {},
      destroy() {},
    }),
    createTexture: () => ({ createView: nothing, destroy() {} }),
    createBindGroupLayout: nothing,
    createBindGroup: nothing,
    createPipelineLayout: nothing,
    createShaderModule: () => ({ getCompilationInfo: async () => ({ messages: [] }) }),
    createComputePipelineAsync: async () => ({}),
    createCommandEncoder: () => ({
      beginComputePass: () => pass,
      clearBuffer() {},
      copyBufferToBuffer() {},
      copyBufferToTexture() {},
      finish: nothing,
    }),
    queue: { writeBuffer() {}, submit() {}, onSubmittedWorkDone: async () => {} },
    destroy() {},
  };
  return device as unknown as GPUDevice;
}
