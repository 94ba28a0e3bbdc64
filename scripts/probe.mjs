// Run as a child process by setup: asks Dawn for an adapter and a device and prints one line of JSON. A driver can
// crash the process or write to standard error; neither must reach the person who runs setup.
//
// {"adapter": "name of the adapter"} · {"adapter": null} · {"error": "why the add-on did not load"}

/** @type {unknown} Kept for the whole life of the process: once collected, the native add-on crashes. */
let instance;

try {
  const { create } = await import('webgpu');
  const gpu = create([]);
  instance = gpu;
  const adapter = await gpu.requestAdapter();
  if (!adapter) {
    console.log(JSON.stringify({ adapter: null }));
  } else {
    const device = await adapter.requestDevice();
    const { description, device: model, vendor } = adapter.info;
    console.log(JSON.stringify({ adapter: description || model || vendor || 'unnamed' }));
    device.destroy();
  }
} catch (error) {
  console.log(JSON.stringify({ error: error instanceof Error ? error.message : String(error) }));
}
void instance;
