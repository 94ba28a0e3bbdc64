/** The lowest finite float32: the product beside a missing place, and the bound of a list of everything. */
export const MISSING_PRODUCT = -(2 - 2 ** -23) * 2 ** 127;
