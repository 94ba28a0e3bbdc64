// The package's main file is CommonJS in a package marked as a module, which Node refuses; its ES module has no types.
declare module 'wgsl_reflect/wgsl_reflect.module.js' {
  export { ResourceType, WgslReflect } from 'wgsl_reflect';
}
