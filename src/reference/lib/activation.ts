/** Activation by its number in the shaders: 0 none, 1 leaky ReLU with slope 0.2 unless told, 2 tanh. */
export interface ActivationConstants {
  readonly ACTIVATION?: number;
  readonly SLOPE?: number;
}

/** Twin of `activate` in `shaders/lib/activation.wgsl`. */
export function activate(value: number, { ACTIVATION = 0, SLOPE = 0.2 }: ActivationConstants): number {
  if (ACTIVATION === 1) return value < 0 ? SLOPE * value : value;
  return ACTIVATION === 2 ? Math.tanh(value) : value;
}

/** Twin of `activation_derivative` in `shaders/lib/activation.wgsl`: activation′, from the activation's value. */
export function activationDerivative(value: number, { ACTIVATION = 0, SLOPE = 0.2 }: ActivationConstants): number {
  if (ACTIVATION === 1) return value < 0 ? SLOPE : 1;
  return ACTIVATION === 2 ? 1 - value * value : 1;
}
