/** A system of the paper's tables: what makes it another one than HashGNN, as options over those of a preset. */
export interface Model {
  readonly options: Readonly<Record<string, unknown>>;
}
